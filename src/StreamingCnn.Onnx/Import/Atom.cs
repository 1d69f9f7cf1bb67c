namespace StreamingCnn.Onnx.Import;

/// <summary>What an axis of a map is made of.</summary>
internal enum AtomKind
{
    /// <summary>The images.</summary>
    Images,

    /// <summary>Channels, or a part of them.</summary>
    Channels,

    /// <summary>Rows.</summary>
    Rows,

    /// <summary>Columns.</summary>
    Columns,
}

/// <summary>
/// A piece of an axis: files reshape and transpose maps, which moves nothing here, but changes what an axis is made of.
/// </summary>
/// <param name="Kind">What it counts.</param>
/// <param name="Count">How many channels; 0 for others.</param>
/// <param name="Place">Among the pieces of the channels, as they lie in the map.</param>
internal readonly record struct Atom(AtomKind Kind, long Count = 0, int Place = 0)
{
    /// <summary>The number that it counts up to, in a map of some size.</summary>
    public Number Extent(MapSize size) => Kind switch
    {
        AtomKind.Images => Number.Of(Number.Batch, size.Images),
        AtomKind.Channels => Count,
        AtomKind.Rows => Number.Of($"H{size.Id}", size.Height),
        _ => Number.Of($"W{size.Id}", size.Width),
    };
}
