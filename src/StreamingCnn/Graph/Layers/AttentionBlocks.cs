using StreamingCnn.Geometry;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// Neighbouring blocks of an attention along one axis that are alike: as large, and with the same biases. They touch, so that each is as
/// many positions behind the one before it as it has outputs.
/// </summary>
/// <param name="First">The first one.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Biases">For each output and each position that it may look at, which bias it gets along this axis; -1 where it does not
/// look.</param>
internal sealed record AttentionBlocks(AttentionBlock First, long Count, long[] Biases)
{
    /// <summary>Outputs of each block.</summary>
    public long Queries => First.Queries.Length;

    /// <summary>Positions that each block looks at.</summary>
    public long Keys => First.Keys.Length;

    /// <summary>All outputs.</summary>
    public Interval AllQueries => new(First.Queries.Start, First.Queries.Start + (Count * Queries));

    /// <summary>All positions that they look at.</summary>
    public Interval AllKeys => new(First.Keys.Start, First.Keys.End + ((Count - 1) * Queries));

    /// <summary>One of the blocks.</summary>
    public AttentionBlocks this[long index] => new(
        new(Shifted(First.Queries, index * Queries), Shifted(First.Keys, index * Queries)), 1, Biases);

    /// <summary>Outputs in blocks, those together that are alike.</summary>
    public static AttentionBlocks[] Of(AttentionMap map, Interval outputs)
    {
        var found = new List<AttentionBlocks>();
        foreach (var block in map.Blocks(outputs))
        {
            var one = new AttentionBlocks(block, 1, BiasesOf(map, block));
            if (found is [.., var last] && last.IsContinuedBy(one))
                found[^1] = last with { Count = last.Count + 1 };
            else
                found.Add(one);
        }

        return [.. found];
    }

    private bool IsContinuedBy(AttentionBlocks next) =>
        next.Queries == Queries
        && next.Keys == Keys
        && next.First.Keys.Start == First.Keys.Start + (Count * Queries)
        && next.Biases.AsSpan().SequenceEqual(Biases);

    private static long[] BiasesOf(AttentionMap map, in AttentionBlock block)
    {
        var biases = new long[block.Queries.Length * block.Keys.Length];
        for (long query = 0; query < block.Queries.Length; query++)
        {
            for (long key = 0; key < block.Keys.Length; key++)
                biases[(query * block.Keys.Length) + key] = map.Bias(block.Queries.Start + query, block.Keys.Start + key);
        }

        return biases;
    }

    private static Interval Shifted(Interval interval, long by) => new(interval.Start + by, interval.End + by);
}
