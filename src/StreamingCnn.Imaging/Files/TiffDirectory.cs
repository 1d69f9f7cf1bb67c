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
    public double? YResolution { get; init; }
    public int ResolutionUnit { get; init; } = 2;
    public string Description { get; init; } = "";
    /// <summary>What the bands beyond the colours are: 0 not said, 1 alpha that the colours are multiplied with, 2 alpha.</summary>
    public IReadOnlyList<int> ExtraSamples { get; init; } = [];

    /// <summary>How samples become grey or colours, or null where the file does not say.</summary>
    public int? Photometric { get; init; }

    /// <summary>Whether bands differ in their bits or their kind of number.</summary>
    public bool MixedSamples { get; init; }

    public bool BigEndian { get; init; }
    public int FillOrder { get; init; } = 1;
    public int Predictor { get; init; } = 1;
    public int InkSet { get; init; } = 1;
    public int FaxOptions { get; init; }

    /// <summary>Tables that JPEG tiles or strips share, or empty.</summary>
    public byte[] JpegTables { get; init; } = [];

    /// <summary>Red of all indices, then green, then blue, each of 16 bits; empty without a palette.</summary>
    public IReadOnlyList<long> Palette { get; init; } = [];

    public byte[] ColourProfile { get; init; } = [];

    /// <summary>Pixels across and down that share one pair of chroma samples.</summary>
    public (int Across, int Down) ChromaSubsampling { get; init; } = (2, 2);

    /// <summary>Weights of red, green and blue in luma; those of ITU-R 601 unless the file says otherwise.</summary>
    public IReadOnlyList<double> LumaWeights { get; init; } = [];

    /// <summary>Code of black and of white of luma, then of the two chroma; empty where the file does not say.</summary>
    public IReadOnlyList<double> ReferenceBlackWhite { get; init; } = [];

    /// <summary>The text of GDAL's tag for the value of pixels that hold nothing, or empty.</summary>
    public string NoData { get; init; } = "";


    /// <summary>Index of the band that is marked as alpha, or -1.</summary>
    public int AlphaBand { get; init; } = -1;

    /// <summary>Whether colours were multiplied by that band.</summary>
    public bool IsAlphaAssociated { get; init; }

    /// <summary>GDAL's metadata, as XML, or empty.</summary>
    public string GdalMetadata { get; init; } = "";

    /// <summary>Width and height of a pixel in units of the map, of a GeoTIFF.</summary>
    public IReadOnlyList<double> PixelScale { get; init; } = [];

    /// <summary>Places of the raster and of the map that are the same, six numbers each.</summary>
    public IReadOnlyList<double> Tiepoints { get; init; } = [];

    /// <summary>The matrix from the raster to the map.</summary>
    public IReadOnlyList<double> Transformation { get; init; } = [];

    /// <summary>The keys of a GeoTIFF, and the numbers and texts that they refer to.</summary>
    public IReadOnlyList<long> GeoKeys { get; init; } = [];
    public IReadOnlyList<double> GeoDoubles { get; init; } = [];
    public string GeoTexts { get; init; } = "";
    public bool Hamamatsu { get; init; }
    public bool Ventana { get; init; }
    public IReadOnlyList<long> SubDirectories { get; init; } = [];

    /// <summary>Where each tile or strip starts.</summary>
    public long[] BlockOffsets { get; init; } = [];

    /// <summary>Bytes of each tile or strip; 0 where it is not stored.</summary>
    public long[] BlockLengths { get; init; } = [];

    /// <summary>Number of tiles or strips that are listed, with where they start and how long they are.</summary>
    public long BlockCount => LengthsStated ? Math.Min(BlockOffsets.Length, BlockLengths.Length) : BlockOffsets.Length;

    /// <summary>Whether the file says how long blocks are. Old ones do not, and leave it to be guessed from what follows.</summary>
    public bool LengthsStated => BlockLengths.Length > 0;

    /// <summary>End of the furthest tile or strip; beyond the end of the file in a file that was cut short.</summary>
    public long DataEnd { get; init; }

    public bool Tiled => TileWidth > 0 && TileHeight > 0;

    /// <summary>Whether any band is alpha.</summary>
    public bool HasAlpha => ExtraSamples.Any(kind => kind is 1 or 2);

    /// <summary>Whether bands lie one after the other instead of pixel by pixel.</summary>
    public bool Planar => PlanarConfiguration == 2;

    /// <summary>Rows of a strip or of a tile.</summary>
    public long BlockRows => Tiled ? TileHeight : RowsPerStrip > 0 ? Math.Min(RowsPerStrip, Height) : Height;

    /// <summary>The number of tiles or strips that the claimed size needs.</summary>
    public double BlocksNeeded
    {
        get
        {
            var planes = Planar ? SamplesPerPixel : 1;
            return Math.Ceiling((double)Width / (Tiled ? TileWidth : Width))
                * Math.Ceiling((double)Height / Math.Max(BlockRows, 1)) * planes;
        }
    }
}
