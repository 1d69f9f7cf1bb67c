namespace StreamingCnn.Planning;

/// <summary>Which part of its rectangle a tile leaves for others.</summary>
internal enum TileEdge
{
    /// <summary>The last rows, over the tile's own columns, for tiles below.</summary>
    Bottom,

    /// <summary>The last columns, over the tile's own rows, for tiles to the right.</summary>
    Right,

    /// <summary>All of it, where strips would be larger than the map.</summary>
    Whole,
}

/// <summary>What a tile leaves for others of a map at one of its edges.</summary>
/// <param name="Node">The map.</param>
/// <param name="Edge">Which part of the tile's rectangle.</param>
/// <param name="Row">The tile's row, its home.</param>
/// <param name="Column">The tile's column.</param>
internal readonly record struct SeamKey(int Node, TileEdge Edge, int Row, int Column);
