namespace StreamingCnn.Training.Serving;

/// <summary>Looks at every tile of the one run that goes on: tells of it, and ends the run where nobody wants it any more.</summary>
/// <param name="always">Told of the tiles of all runs; null for nobody.</param>
internal sealed class TileWatch(IProgress<TileProgress>? always) : IProgress<TileProgress>
{
    private IProgress<TileProgress>? progress;
    private CancellationToken cancellation;

    /// <summary>Runs something, on the thread that its tiles will be told on.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled before it began, or between two tiles.</exception>
    public T During<T>(Func<T> work, IProgress<TileProgress>? told, CancellationToken cancelled)
    {
        cancelled.ThrowIfCancellationRequested();
        (progress, cancellation) = (told, cancelled);
        try
        {
            return work();
        }
        finally
        {
            (progress, cancellation) = (null, default);
        }
    }

    /// <inheritdoc/>
    public void Report(TileProgress value)
    {
        cancellation.ThrowIfCancellationRequested();
        always?.Report(value);
        progress?.Report(value);
    }
}
