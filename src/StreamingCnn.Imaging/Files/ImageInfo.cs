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

    /// <summary>Bands as stored, alpha and channels in pages included.</summary>
    public required int Bands { get; init; }

    /// <summary>What the file calls its bands, by their places: null where it does not say. Empty where it names none.</summary>
    public IReadOnlyList<string?> BandNames { get; init; } = [];

    /// <summary>Bits of one sample: 8 where it has fewer, otherwise as stored.</summary>
    public required int Bits { get; init; }

    /// <summary>Whether the samples are floating-point numbers.</summary>
    public bool FloatingPoint { get; init; }

    /// <summary>Pyramid levels, the largest first; at least one.</summary>
    public required IReadOnlyList<ImageLevel> Levels { get; init; }

    /// <summary>Whether the samples are integers with a sign.</summary>
    public bool Signed { get; init; }

    /// <summary>Width of a pixel of level 0 in micrometres, or null where the file does not say.</summary>
    public double? MicrometresPerPixel { get; init; }

    /// <summary>Height of a pixel of level 0 in micrometres where that is another than its width; null otherwise.</summary>
    public double? MicrometresPerPixelDown { get; init; }

    /// <summary>Where the size of a pixel stands in the file, or why it does not; a phrase.</summary>
    public string ResolutionOrigin { get; init; } = "not stated";

    /// <summary>Where the image lies on the ground, of a GeoTIFF; null where the file does not say.</summary>
    public GeoReference? GeoReference { get; init; }

    /// <summary>
    /// The value that the file declares to mean that there are no data, as it is stored; NaN where NaN means it; null
    /// where none is declared.
    /// </summary>
    public double? NoData { get; init; }

    /// <summary>
    /// Tiles of level 0 in pixels, or strips that are read as such, or null where windows need the whole image decoded
    /// once.
    /// </summary>
    public (int Height, int Width)? Tile { get; init; }

    /// <summary>Type of a sample by its usual name, such as <c>uint8</c>, <c>int16</c> or <c>float32</c>.</summary>
    public string SampleType => $"{(FloatingPoint ? "float" : Signed ? "int" : "uint")}{Bits}";

    /// <summary>
    /// How many times larger stored samples are than those of windows: 257 for 16 bits without a sign, 1 for all that
    /// come as they are.
    /// </summary>
    public double StoredPerWindow => !FloatingPoint && !Signed && Bits is > 8 and <= 16 ? ((1 << Bits) - 1) / 255.0 : 1;

    /// <summary>The largest sample of whole numbers of up to 16 bits, which windows spread over 0..255; null for others.</summary>
    internal int? StoredLargest { get; init; }

    /// <summary>Whether samples are places in a table of colours, which windows have instead of them.</summary>
    internal bool HasColourTable { get; init; }

    /// <summary>Whether 0 is stored for white.</summary>
    internal bool IsInverted { get; init; }

    /// <summary>
    /// Separate images in the file (pages of a TIFF that are not levels of the first); 1 for most. Channels in pages
    /// that are joined are one image.
    /// </summary>
    public int Pages { get; init; } = 1;

    /// <summary>Names of further images that belong to the main one, such as <c>label</c>, <c>macro</c>, <c>thumbnail</c>.</summary>
    public IReadOnlyList<string> AssociatedImages { get; init; } = [];

    /// <summary>A band as people write it: its number from 1, and what the file calls it.</summary>
    /// <param name="band">Its place, from 0.</param>
    internal string BandText(int band) =>
        band < BandNames.Count && BandNames[band] is { } name ? $"{band + 1} ({name})" : $"{band + 1}";

    /// <summary>Reads the header of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it will be opened: the page, the order of axes; null for the defaults.</param>
    /// <exception cref="ImageFormatException">The file is missing, empty, of no known format or damaged.</exception>
    public static ImageInfo Read(string path, ImageOptions? options = null) =>
        ImageContainer.Find(path, options ?? new ImageOptions()).Info;
}

/// <summary>One level of an image pyramid.</summary>
/// <param name="Height">Height in pixels.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Downsample">How many times smaller than level 0, at least 1.</param>
public sealed record ImageLevel(long Height, long Width, double Downsample);
