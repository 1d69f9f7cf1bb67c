namespace StreamingCnn.Imaging;

/// <summary>What the header of an image file says; no pixel is decoded to find out.</summary>
public sealed record ImageInfo
{
    /// <summary>The file.</summary>
    public required string Path { get; init; }

    /// <summary>Format by content, such as <c>TIFF</c>, <c>JPEG</c> or <c>OpenSlide (hamamatsu)</c>.</summary>
    public required string Format { get; init; }

    /// <summary>Height in pixels of level 0, after EXIF orientation.</summary>
    public required long Height { get; init; }

    /// <summary>Width in pixels of level 0, after EXIF orientation.</summary>
    public required long Width { get; init; }

    /// <summary>Bands as stored, alpha included.</summary>
    public required int Bands { get; init; }

    /// <summary>Bits of one sample as decoded: 8, 16, 32 or 64.</summary>
    public required int Bits { get; init; }

    /// <summary>Whether the samples are floating-point numbers.</summary>
    public bool FloatingPoint { get; init; }

    /// <summary>Pyramid levels, the largest first; at least one.</summary>
    public required IReadOnlyList<ImageLevel> Levels { get; init; }

    /// <summary>Size of a pixel of level 0 in micrometres, or null where the file does not say.</summary>
    public double? MicrometresPerPixel { get; init; }

    /// <summary>Tiles of level 0 in pixels, or null where windows need the whole image decoded once.</summary>
    public (int Height, int Width)? Tile { get; init; }

    /// <summary>Separate images in the file (pages of a TIFF that are not levels of the first); 1 for most.</summary>
    public int Pages { get; init; } = 1;

    /// <summary>Names of further images that belong to the main one, such as <c>label</c>, <c>macro</c>, <c>thumbnail</c>.</summary>
    public IReadOnlyList<string> AssociatedImages { get; init; } = [];

    /// <summary>Reads the header of a file.</summary>
    /// <exception cref="ImageFormatException">The file is missing, empty, of no known format or damaged.</exception>
    public static ImageInfo Read(string path) => ImageContainer.Find(path).Info;
}

/// <summary>One level of an image pyramid.</summary>
/// <param name="Height">Height in pixels.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Downsample">How many times smaller than level 0, at least 1.</param>
public sealed record ImageLevel(long Height, long Width, double Downsample);
