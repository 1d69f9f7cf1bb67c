namespace StreamingCnn.Imaging.Maps;

/// <summary>Counts the positions of each class.</summary>
public sealed class ClassCounts : IClassRows
{
    private readonly long[] counts = new long[MapClass.Most];

    /// <summary>Positions of each class, by its number.</summary>
    public IReadOnlyList<long> Positions => counts;

    /// <inheritdoc/>
    public void Begin(long height, long width) => Array.Clear(counts);

    /// <inheritdoc/>
    public void Write(long row, ReadOnlySpan<byte> classes)
    {
        foreach (var number in classes)
            counts[number]++;
    }

    /// <inheritdoc/>
    public void Complete()
    {
    }
}
