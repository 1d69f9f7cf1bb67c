namespace StreamingCnn.Distributed.Threads;

/// <summary>Where threads wait for each other: one lock for all messages, and the failure that ends all.</summary>
internal sealed class MeetingRoom
{
    private readonly HashSet<int> left = [];
    private string? failure;

    /// <summary>Changes what others wait for.</summary>
    public T Do<T>(Func<T> change)
    {
        lock (left)
        {
            ThrowIfFailed();
            var result = change();
            Monitor.PulseAll(left);
            return result;
        }
    }

    /// <summary>Whether something has come about.</summary>
    public bool Is(Func<bool> condition)
    {
        lock (left)
        {
            ThrowIfFailed();
            return condition();
        }
    }

    /// <summary>Waits for something that other ranks bring about.</summary>
    /// <param name="condition">What.</param>
    /// <param name="needs">Whether a rank's part in it is still missing.</param>
    public void Wait(Func<bool> condition, Func<int, bool> needs)
    {
        lock (left)
        {
            while (true)
            {
                ThrowIfFailed();
                if (condition())
                    return;
                foreach (var rank in left)
                {
                    if (needs(rank))
                        throw new CommunicatorException($"Rank {rank} has ended while another one waits for a message of it.");
                }

                Monitor.Wait(left);
            }
        }
    }

    /// <summary>A rank has ended.</summary>
    public void Leave(int rank)
    {
        lock (left)
        {
            left.Add(rank);
            Monitor.PulseAll(left);
        }
    }

    /// <summary>A rank has failed: all waits throw, now and later.</summary>
    public void Fail(string sentence)
    {
        lock (left)
        {
            failure ??= sentence;
            Monitor.PulseAll(left);
        }
    }

    private void ThrowIfFailed()
    {
        if (failure is not null)
            throw new CommunicatorException(failure);
    }
}
