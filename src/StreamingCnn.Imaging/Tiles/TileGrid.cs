using System.Numerics;

namespace StreamingCnn.Imaging.Tiles;

/// <summary>
/// An image as a pyramid of square tiles without overlap, numbered as Deep Zoom has it: level 0 is one pixel, and each level has twice the
/// pixels of the one before on both sides, up to the image itself. Pixels alone; nothing is read.
/// </summary>
public sealed record TileGrid
{
    /// <summary>Side of tiles where nothing else is said: a whole number of the tiles that slides and GeoTIFFs are stored in.</summary>
    public const int DefaultSide = 512;

    /// <summary>Divides an image.</summary>
    /// <param name="height">Height of the image in pixels.</param>
    /// <param name="width">Width of the image in pixels.</param>
    /// <param name="side">Side of a tile in pixels, an even number; those at the right and lower edge may be smaller.</param>
    /// <exception cref="ArgumentOutOfRangeException">The image has no pixel, or the side of a tile is odd.</exception>
    public TileGrid(long height, long width, int side = DefaultSide)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 2);
        // Four tiles make one of the level before.
        ArgumentOutOfRangeException.ThrowIfNotEqual(side % 2, 0, nameof(side));
        (Height, Width, Side) = (height, width, side);
        var longest = Math.Max(height, width);
        Top = longest == 1 ? 0 : BitOperations.Log2((ulong)longest - 1) + 1;
    }

    /// <summary>Height of the image in pixels.</summary>
    public long Height { get; }

    /// <summary>Width of the image in pixels.</summary>
    public long Width { get; }

    /// <summary>Side of a tile in pixels.</summary>
    public int Side { get; }

    /// <summary>The largest level, which has the image's own pixels.</summary>
    public int Top { get; }

    /// <summary>Tiles of all levels.</summary>
    public long Total => Enumerable.Range(0, Top + 1).Sum(level => Count(level).Rows * Count(level).Columns);

    /// <summary>Pixels of the image for one of a level, on either side.</summary>
    public long Factor(int level) => 1L << (Top - level);

    /// <summary>Size of a level in pixels: what is left over at the edges is a pixel of its own.</summary>
    public (long Height, long Width) Size(int level)
    {
        var factor = Factor(level);
        return ((Height + factor - 1) / factor, (Width + factor - 1) / factor);
    }

    /// <summary>Tiles of a level.</summary>
    public (long Rows, long Columns) Count(int level)
    {
        var (height, width) = Size(level);
        return ((height + Side - 1) / Side, (width + Side - 1) / Side);
    }

    /// <summary>Whether there is such a tile.</summary>
    public bool Contains(TilePlace place) =>
        place.Level >= 0 && place.Level <= Top && place.Row >= 0 && place.Column >= 0
        && place.Row < Count(place.Level).Rows && place.Column < Count(place.Level).Columns;

    /// <summary>The pixels of a tile in its level.</summary>
    public ImageRegion Region(TilePlace place)
    {
        var (height, width) = Size(place.Level);
        var (top, left) = (place.Row * Side, place.Column * Side);
        return new(top, left, Math.Min(Side, height - top), Math.Min(Side, width - left));
    }

    /// <summary>The one to four tiles of the next larger level that a tile shows, row by row.</summary>
    public IEnumerable<TilePlace> Finer(TilePlace place) =>
        from row in (long[])[place.Row * 2, (place.Row * 2) + 1]
        from column in (long[])[place.Column * 2, (place.Column * 2) + 1]
        let finer = new TilePlace(place.Level + 1, column, row)
        where Contains(finer)
        select finer;
}

/// <summary>A tile of a <see cref="TileGrid"/>.</summary>
/// <param name="Level">Its level, 0 being a single pixel.</param>
/// <param name="Column">Its column, from 0.</param>
/// <param name="Row">Its row, from 0.</param>
public readonly record struct TilePlace(int Level, long Column, long Row);
