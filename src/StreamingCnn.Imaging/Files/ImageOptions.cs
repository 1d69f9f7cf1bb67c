namespace StreamingCnn.Imaging;

/// <summary>How an image file is to be read.</summary>
/// <remarks>At most one of <see cref="Level"/>, <see cref="Downsample"/> and <see cref="MicrometresPerPixel"/> may be set.</remarks>
public sealed record ImageOptions
{
    /// <summary>
    /// Channels of every window: 1 (luminance), 3 (sRGB), or null for what the file has.
    /// <value>The default value is null: grey gives 1, colour 3; other band counts stay. An alpha band: see <see cref="Alpha"/>.</value>
    /// </summary>
    public int? Channels { get; init; }

    /// <summary>
    /// Bands that are read, in this order, of all that the file has: alpha is one of them then, whatever <see cref="Alpha"/> says.
    /// <see cref="Channels"/> makes grey or colour of the chosen ones.
    /// <value>The default value is null: all bands, in the order of the file.</value>
    /// </summary>
    public BandChoice? Bands { get; init; }

    /// <summary>Pyramid level, 0 being the largest. <value>The default value is null: level 0.</value></summary>
    public int? Level { get; init; }

    /// <summary>
    /// Factor by which the image is made smaller; 2 halves both sides. Read from the nearest larger pyramid level and resampled.
    /// <value>The default value is null: full resolution.</value>
    /// </summary>
    public double? Downsample { get; init; }

    /// <summary>
    /// Resolution wanted, in micrometres per pixel. The file must state its own, or <see cref="AssumedMicrometresPerPixel"/> must.
    /// <value>The default value is null: the file's resolution.</value>
    /// </summary>
    public double? MicrometresPerPixel { get; init; }

    /// <summary>
    /// Resolution of a file that does not state its own, in micrometres per pixel; what a file states counts more.
    /// <value>The default value is null: such a file cannot be brought to a resolution.</value>
    /// </summary>
    public double? AssumedMicrometresPerPixel { get; init; }

    /// <summary>
    /// Region to cut out, in pixels of the image as resampled by the options above.
    /// <value>The default value is null: the whole image.</value>
    /// </summary>
    public ImageRegion? Crop { get; init; }

    /// <summary>
    /// Page of a TIFF whose pages are separate images, from 0, read alone.
    /// <value>
    /// The default value is null: the first page, or all the channels of an OME-TIFF or an ImageJ stack that keeps them in pages.
    /// </value>
    /// </summary>
    public int? Page { get; init; }

    /// <summary>
    /// What becomes of an alpha band.
    /// <value>The default value is <see cref="AlphaHandling.Flatten"/>.</value>
    /// </summary>
    public AlphaHandling Alpha { get; init; }

    /// <summary>
    /// What becomes of pixels without data.
    /// <value>The default value is <see cref="NoDataHandling.Fill"/>.</value>
    /// </summary>
    public NoDataHandling NoData { get; init; }

    /// <summary>
    /// Value that means that there are no data, on the scale of the samples as they are stored; NaN where NaN means it.
    /// <value>The default value is null: what the file declares (GDAL's tag of a TIFF), if it does.</value>
    /// </summary>
    public double? NoDataValue { get; init; }

    /// <summary>
    /// What pixels without data are filled with, one number or one for each channel, on the scale of the windows. NaN
    /// leaves them to be told apart.
    /// <value>The default value is 0.</value>
    /// </summary>
    public IReadOnlyList<float> NoDataFill { get; init; } = [0];

    /// <summary>
    /// Where the channels of a NumPy array of three axes stand.
    /// <value>The default value is null: told from its shape, and refused where that does not tell.</value>
    /// </summary>
    public ChannelAxis? Axis { get; init; }

    /// <summary>
    /// Convert RGB and CMYK images with an embedded colour profile other than sRGB to sRGB.
    /// <value>The default value is true.</value>
    /// </summary>
    public bool ApplyColourProfile { get; init; } = true;

    /// <summary>
    /// Give 16-bit samples as they are stored (0..65535) instead of on the scale of 8-bit ones (0..255).
    /// <value>The default value is false.</value>
    /// </summary>
    public bool RawValues { get; init; }

    /// <summary>Checks the options; throws one <see cref="ArgumentException"/> that names all that is wrong.</summary>
    public void Validate()
    {
        var problems = new List<string>();
        if (Channels is not (null or 1 or 3))
            problems.Add($"{nameof(Channels)} (={Channels}) must be 1 or 3");
        if (Level < 0)
            problems.Add($"{nameof(Level)} (={Level}) must not be negative");
        if (Downsample is { } downsample && !(downsample >= 0.5 && double.IsFinite(downsample)))
            problems.Add($"{nameof(Downsample)} (={downsample}) must be 0.5 or more");
        if (MicrometresPerPixel is { } mpp && !(mpp > 0 && double.IsFinite(mpp)))
            problems.Add($"{nameof(MicrometresPerPixel)} (={mpp}) must be positive");
        if (AssumedMicrometresPerPixel is { } assumed && !(assumed > 0 && double.IsFinite(assumed)))
            problems.Add($"{nameof(AssumedMicrometresPerPixel)} (={assumed}) must be positive");
        if (Page < 0)
            problems.Add($"{nameof(Page)} (={Page}) must not be negative");
        if ((Level is null ? 0 : 1) + (Downsample is null ? 0 : 1) + (MicrometresPerPixel is null ? 0 : 1) > 1)
            problems.Add($"only one of {nameof(Level)}, {nameof(Downsample)} and {nameof(MicrometresPerPixel)} may be set");
        if (problems.Count > 0)
            throw new ArgumentException(string.Join("; ", problems) + ".");
    }
}
