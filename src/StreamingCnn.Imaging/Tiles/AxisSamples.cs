namespace StreamingCnn.Imaging.Tiles;

/// <summary>Which positions of a file's level the pixels of a tile are along one axis: those that their centres lie in.</summary>
/// <param name="image">Length of the image in pixels.</param>
/// <param name="level">Length of the file's level.</param>
/// <param name="factor">Pixels of the image for one of the tile.</param>
/// <param name="isSmaller">
/// Whether the level is a smaller version of the image, made by a whole factor, rather than a map that was stretched over it.
/// </param>
internal readonly struct AxisSamples(long image, long level, double factor, bool isSmaller)
{
    // What was left over at the edge is a pixel of such a level, or is not in it; the others are the tile's, one for one.
    private readonly bool isOneForOne = isSmaller && Math.Abs(level - Math.Ceiling(image / factor)) <= 1;

    /// <summary>The position of a pixel. What reaches beyond the edge is the last one.</summary>
    public long this[long pixel] =>
        Math.Clamp(isOneForOne ? pixel : (long)Math.Floor((pixel + 0.5) * factor * level / image), 0, level - 1);
}
