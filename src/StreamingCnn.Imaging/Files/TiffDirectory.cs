namespace StreamingCnn.Imaging;

/// <summary>The tags of one TIFF image file directory (IFD) that say how an image is laid out.</summary>
internal sealed record TiffDirectory
{
    public long Width { get; init; }
    public long Height { get; init; }
    public int BitsPerSample { get; init; } = 1;
    public int SamplesPerPixel { get; init; } = 1;
    public int SampleFormat { get; init; } = 1;
    public int Compression { get; init; } = 1;
    public int PlanarConfiguration { get; init; } = 1;
    public long SubfileType { get; init; }
    public long TileWidth { get; init; }
    public long TileHeight { get; init; }
    public long RowsPerStrip { get; init; }
    public int Orientation { get; init; } = 1;
    public double? XResolution { get; init; }
    public int ResolutionUnit { get; init; } = 2;
    public string Description { get; init; } = "";
    public bool HasAlpha { get; init; }
    public bool Hamamatsu { get; init; }
    public bool Ventana { get; init; }
    public IReadOnlyList<long> SubDirectories { get; init; } = [];

    /// <summary>Number of tiles or strips that the offsets tag lists.</summary>
    public long BlockCount { get; init; }

    /// <summary>End of the furthest tile or strip; beyond the end of the file in a file that was cut short.</summary>
    public long DataEnd { get; init; }

    public bool Tiled => TileWidth > 0 && TileHeight > 0;

    /// <summary>The number of tiles or strips that the claimed size needs.</summary>
    public double BlocksNeeded
    {
        get
        {
            var planes = PlanarConfiguration == 2 ? SamplesPerPixel : 1;
            if (Tiled)
                return Math.Ceiling((double)Width / TileWidth) * Math.Ceiling((double)Height / TileHeight) * planes;
            var rows = RowsPerStrip is > 0 ? Math.Min(RowsPerStrip, Height) : Height;
            return Math.Ceiling((double)Height / Math.Max(rows, 1)) * planes;
        }
    }
}
