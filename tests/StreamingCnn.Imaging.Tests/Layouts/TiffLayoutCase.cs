namespace StreamingCnn.Imaging.Tests.Layouts;

/// <summary>One way to store an image in a TIFF file. The names of codes are those of the TIFF 6.0 specification.</summary>
internal sealed record TiffLayoutCase
{
    public required int Height { get; init; }

    public required int Width { get; init; }

    public int Bands { get; init; } = 1;

    public int Bits { get; init; } = 8;

    /// <summary>1 unsigned, 2 signed, 3 floating point.</summary>
    public int SampleFormat { get; init; } = 1;

    public bool Planar { get; init; }

    /// <summary>Rows of a strip or of a tile.</summary>
    public required int BlockHeight { get; init; }

    /// <summary>Columns of a tile; null for strips.</summary>
    public int? TileWidth { get; init; }

    /// <summary>1 none, 5 LZW, 8 Deflate, 32773 PackBits.</summary>
    public int Compression { get; init; } = 1;

    /// <summary>1 none, 2 horizontal differences, 3 differences of floating-point numbers.</summary>
    public int Predictor { get; init; } = 1;

    public bool BigEndian { get; init; }

    public bool BigTiff { get; init; }

    /// <summary>Null leaves the tag away.</summary>
    public int? Photometric { get; init; } = 1;

    public IReadOnlyList<int> ExtraSamples { get; init; } = [];

    public int Orientation { get; init; } = 1;

    /// <summary>Each how many-th block is not stored; 0 for none.</summary>
    public int MissingEvery { get; init; }

    public string? NoData { get; init; }

    public bool ReversedBits { get; init; }

    public IReadOnlyList<int> Palette { get; init; } = [];

    /// <summary>Pixels across and down that share their chroma; null for other photometric codes than 6.</summary>
    public (int Across, int Down)? Chroma { get; init; }

    public string? Description { get; init; }

    /// <summary>A tag that means nothing to anybody, or 0.</summary>
    public int PrivateTag { get; init; }

    /// <summary>The number of a block, as the offsets list them.</summary>
    public int BlockOf(int y, int x, int band)
    {
        var across = TileWidth is { } width ? (Width + width - 1) / width : 1;
        var down = (Height + BlockHeight - 1) / BlockHeight;
        return ((((Planar ? band : 0) * down) + (y / BlockHeight)) * across) + (TileWidth is { } columns ? x / columns : 0);
    }

    public bool IsMissing(int block) => MissingEvery > 0 && block % MissingEvery == MissingEvery - 1;
}
