using System.Collections.Concurrent;

namespace StreamingCnn.Training.Serving;

/// <summary>A thread of its own that does one piece of work after the other, in the order in which they were asked for.</summary>
/// <remarks>
/// Not threads of the pool: OpenMP gives each thread that calls libtorch a team of threads, which stays as long as the caller does.
/// </remarks>
/// <param name="atEnd">Done when nothing more will be, on the thread that did the last.</param>
internal sealed class PredictionThread(Action atEnd) : IDisposable
{
    private readonly BlockingCollection<IWork> waiting = [];
    private readonly CancellationTokenSource closing = new();
    private readonly Lock starting = new();
    private Thread? thread;
    private bool isClosed;

    /// <summary>Puts work at the end of the queue.</summary>
    /// <param name="work">The work; its token is cancelled by the caller's, and when the thread is to end.</param>
    /// <param name="cancellation">Takes the work out of the queue, or ends it where it looks at its token.</param>
    /// <exception cref="ObjectDisposedException">The thread has ended.</exception>
    public Task<T> Run<T>(Func<CancellationToken, T> work, CancellationToken cancellation)
    {
        lock (starting)
        {
            if (isClosed)
                return Task.FromException<T>(Closed());
            var piece = new Work<T>(work, cancellation, closing.Token);
            waiting.Add(piece, CancellationToken.None);
            if (thread is null)
            {
                thread = new(Go) { IsBackground = true, Name = nameof(Predictor) };
                thread.Start();
            }

            return piece.Task;
        }
    }

    /// <summary>
    /// Ends what goes on at its next tile and what waits at once, and waits for that; on the thread itself it does not wait.
    /// </summary>
    public void Dispose()
    {
        lock (starting)
        {
            if (isClosed)
                return;
            isClosed = true;
            waiting.CompleteAdding();
        }

        closing.Cancel();
        if (thread is null)
            Go();
        else if (thread != Thread.CurrentThread)
            thread.Join();
    }

    private static ObjectDisposedException Closed() => new(null, "The predictor has been disposed; load the run again.");

    private void Go()
    {
        foreach (var piece in waiting.GetConsumingEnumerable(CancellationToken.None))
            piece.Do();
        atEnd();
        waiting.Dispose();
        closing.Dispose();
    }

    private interface IWork
    {
        void Do();
    }

    private sealed class Work<T> : TaskCompletionSource<T>, IWork
    {
        private readonly Func<CancellationToken, T> work;
        private readonly CancellationToken cancellation;
        private readonly CancellationToken closing;
        private readonly CancellationTokenRegistration registration;

        // Either the thread begins it, or the caller takes it out of the queue.
        private int isTaken;

        public Work(Func<CancellationToken, T> work, CancellationToken cancellation, CancellationToken closing)
            : base(TaskCreationOptions.RunContinuationsAsynchronously)
        {
            (this.work, this.cancellation, this.closing) = (work, cancellation, closing);
            registration = cancellation.UnsafeRegister(static work => ((Work<T>)work!).TakeOut(), this);
        }

        public void Do()
        {
            if (Interlocked.Exchange(ref isTaken, 1) != 0)
                return;
            registration.Dispose();
            try
            {
                using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, closing);
                closing.ThrowIfCancellationRequested();
                SetResult(work(either.Token));
            }
            catch (Exception) when (cancellation.IsCancellationRequested)
            {
                // Out of a backward pass it comes as an exception of libtorch's.
                SetCanceled(cancellation);
            }
            catch (Exception) when (closing.IsCancellationRequested)
            {
                SetException(Closed());
            }
            catch (Exception failure)
            {
                SetException(failure);
            }
        }

        private void TakeOut()
        {
            if (Interlocked.Exchange(ref isTaken, 1) == 0)
                SetCanceled(cancellation);
        }
    }
}
