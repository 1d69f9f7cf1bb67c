namespace StreamingCnn.Execution;

/// <summary>Disposes a value at the end of a block, unless somebody else has taken it over by then.</summary>
internal sealed class Handover<T>(T value) : IDisposable
    where T : IDisposable
{
    private bool isTaken;

    public T Value => value;

    /// <summary>Takes the value over; the caller disposes it from now on.</summary>
    public T Take()
    {
        isTaken = true;
        return value;
    }

    public void Dispose()
    {
        if (!isTaken)
            value.Dispose();
    }
}
