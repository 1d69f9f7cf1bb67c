namespace StreamingCnn.Imaging.Tiles;

/// <summary>
/// Which level of a file the pixels of a tile are taken from, one for one: for an image those that have just that resolution, for a map
/// over an image those that have at most twice as many positions as needed less. Other tiles are made of four larger ones.
/// </summary>
internal static class LevelMatch
{
    // A level is one pixel off where sides were rounded otherwise, and a hair smaller or larger where they were rounded several times.
    private const double Tolerance = 0.005;

    /// <summary>The level of an image file for a factor; null where it has none.</summary>
    /// <param name="info">The file's header.</param>
    /// <param name="factor">Pixels of level 0 for one of the tile, on either side.</param>
    public static int? OfImage(ImageInfo info, long factor)
    {
        var (height, width) = ((info.Height + factor - 1) / factor, (info.Width + factor - 1) / factor);
        for (var level = 0; level < info.Levels.Count; level++)
        {
            if (Fits(info.Levels[level].Height, height) && Fits(info.Levels[level].Width, width))
                return level;
        }

        return null;

        static bool Fits(long stored, long wanted) => Math.Abs(stored - wanted) <= Math.Max(1, Tolerance * wanted);
    }

    /// <summary>
    /// The level of a map for a factor: the one whose positions are as large as the tile's pixels, or up to twice as large; null where
    /// all are smaller.
    /// </summary>
    /// <param name="map">The map's header.</param>
    /// <param name="image">Height and width of the image that it lies on.</param>
    /// <param name="factor">Pixels of the image for one of the tile, on either side.</param>
    public static int? OfMap(ImageInfo map, (long Height, long Width) image, double factor)
    {
        for (var level = 0; level < map.Levels.Count; level++)
        {
            var ratio = Ratio(map.Levels[level], image, factor);
            if (ratio is > 0.5 - Tolerance and <= 1 + Tolerance)
                return level;
        }

        return null;
    }

    /// <summary>
    /// Pixels of an image for one of its map where that is a power of two: the largest at which no position is passed over.
    /// </summary>
    public static int Scale(ImageInfo map, (long Height, long Width) image)
    {
        var scale = 1;
        while (Ratio(map.Levels[0], image, scale * 2) <= 1 + Tolerance && scale < 1 << 20)
            scale *= 2;
        return scale;
    }

    /// <summary>Positions of a level for a pixel of the tile, on the side where that is more.</summary>
    private static double Ratio(ImageLevel level, (long Height, long Width) image, double factor) =>
        Math.Max(factor * level.Height / image.Height, factor * level.Width / image.Width);
}
