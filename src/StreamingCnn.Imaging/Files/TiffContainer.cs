using System.Globalization;
using System.Text.RegularExpressions;

namespace StreamingCnn.Imaging;

/// <summary>A TIFF file: GeoTIFF, pyramid in pages or SubIFDs, Aperio SVS, OME-TIFF, or just a picture.</summary>
internal sealed partial class TiffContainer : ImageContainer
{
    private readonly string path;
    private readonly List<(ImageLevel Level, TiffDirectory Directory, int Page, int SubIfd)> levels = [];

    public TiffContainer(string path, TiffFile tiff, int page)
    {
        this.path = path;
        if (page >= tiff.Directories.Count)
            throw new ImageFormatException(path, $"page {page} was asked for, but the file has {tiff.Directories.Count} page(s), numbered from 0.");
        var main = tiff.Directories[page];
        Check(main, tiff.Length, "the image");
        levels.Add((new ImageLevel(main.Height, main.Width, 1), main, page, -1));
        FindLevels(tiff, main, page);
        levels.Sort((a, b) => a.Level.Downsample.CompareTo(b.Level.Downsample));
        var associated = tiff.Directories.Where((d, i) => IsAssociated(d, i, main)).ToList();
        var turned = main.Orientation >= 5;
        Info = new ImageInfo
        {
            Path = path,
            Format = IsAperio(main) ? "TIFF (Aperio SVS)" : "TIFF",
            Height = turned ? main.Width : main.Height,
            Width = turned ? main.Height : main.Width,
            Bands = main.SamplesPerPixel,
            Bits = Math.Max(8, main.BitsPerSample),
            FloatingPoint = main.SampleFormat == 3,
            Levels = [.. levels.Select(l => turned ? new ImageLevel(l.Level.Width, l.Level.Height, l.Level.Downsample) : l.Level)],
            MicrometresPerPixel = PixelSize(main),
            Tile = main.Tiled ? ((int)main.TileHeight, (int)main.TileWidth) : null,
            Pages = tiff.Directories.Count(d => (d.SubfileType & 4) == 0 && !associated.Contains(d) && !levels.Skip(1).Any(level => ReferenceEquals(level.Directory, d))),
            AssociatedImages = [.. associated.Select(Name)],
        };
    }

    public override ImageInfo Info { get; }

    /// <summary>Whether the bundled decoder cannot read the file but OpenSlide can.</summary>
    public static bool NeedsOpenSlide(TiffFile tiff)
    {
        var main = tiff.Directories[0];
        // 33003 and 33005 are Aperio's JPEG 2000; a Leica SCN is a chain of unrelated regions placed by its XML.
        return main.Hamamatsu || main.Ventana || main.Compression is 33003 or 33005
            // A Philips slide fills its levels up to whole tiles: they are not evenly smaller, and level 0 alone could be read without OpenSlide.
            || (OpenSlideNative.Available && main.Description.Contains("DPUfsImport", StringComparison.Ordinal))
            || main.Description.Contains("http://www.leica-microsystems.com/scn/", StringComparison.Ordinal);
    }

    public override IImageSource OpenLevel(int level, ImageOptions options)
    {
        var (_, directory, page, subIfd) = levels[level];
        return TiffLayout.SuitsVips(directory)
            ? VipsImageSource.Open(path, options, page, subIfd, directory.Tiled, HasAlpha(directory))
            : new TiffBlockSource(path, directory, options, HasAlpha(directory), slide: Info.Format != "TIFF");
    }

    public override int Channels(ImageOptions options)
    {
        var (_, directory, page, subIfd) = levels[0];
        if (TiffLayout.SuitsVips(directory))
            return VipsImageSource.CountChannels(path, options, page, subIfd, HasAlpha(directory));
        using var source = OpenLevel(0, options);
        return source.Channels;
    }

    private static bool HasAlpha(TiffDirectory directory) => directory.SamplesPerPixel > 1 && directory.HasAlpha;

    private bool IsLevel(TiffDirectory directory) => levels.Any(level => ReferenceEquals(level.Directory, directory));

    // Aperio marks the label and the macro photograph as reduced images, but not the thumbnail, which comes second and alone is in strips.
    private bool IsAssociated(TiffDirectory directory, int index, TiffDirectory main) =>
        !IsLevel(directory) && (directory.SubfileType is 1 or 9 || (index == 1 && IsAperio(main) && !directory.Tiled));

    private static bool IsAperio(TiffDirectory main) => main.Description.StartsWith("Aperio", StringComparison.Ordinal);

    private void FindLevels(TiffFile tiff, TiffDirectory main, int mainPage)
    {
        // Pages are levels of the first. An OME-TIFF has several pages, a channel each, and the levels of each in its SubIFDs.
        for (var i = 1; i < tiff.Directories.Count && mainPage == 0; i++)
            AddIfLevel(tiff.Directories[i], i, -1);
        for (var i = 0; i < tiff.SubDirectories.Count; i++)
            AddIfLevel(tiff.SubDirectories[i], mainPage, i);

        void AddIfLevel(TiffDirectory other, int page, int subIfd)
        {
            // Bit 4 of the subfile type marks a transparency mask. The thumbnail of an Aperio slide shrinks evenly too, but is in strips.
            if ((other.SubfileType & 4) != 0 || other.SamplesPerPixel != main.SamplesPerPixel
                || other.BitsPerSample != main.BitsPerSample || other.Tiled != main.Tiled || other.Width <= 0 || other.Height <= 0)
            {
                return;
            }

            // Each side was rounded on its own: one factor must explain both to within a pixel. Equal sizes are pages, not levels.
            var factor = Math.Sqrt((double)main.Width / other.Width * ((double)main.Height / other.Height));
            if (factor < 1.2 || Math.Abs(other.Width - (main.Width / factor)) > 1 || Math.Abs(other.Height - (main.Height / factor)) > 1)
                return;
            if (other.SubfileType == 0 && !other.Tiled)
                return;
            Check(other, tiff.Length, $"the level {factor:0.#} times smaller");
            levels.Add((new ImageLevel(other.Height, other.Width, factor), other, page, subIfd));
        }
    }

    private void Check(TiffDirectory directory, long fileLength, string what)
    {
        string? problem = null;
        if (directory.Width <= 0 || directory.Height <= 0)
            problem = $"{what} claims {directory.Width} x {directory.Height} (width x height) pixels";
        else if (directory.BlockCount < directory.BlocksNeeded)
            problem = $"{what} claims {directory.Width} x {directory.Height} pixels, which need {directory.BlocksNeeded:0} tiles or strips, but lists {directory.BlockCount}";
        else if (directory.DataEnd > fileLength)
            problem = $"{what} reaches to byte {directory.DataEnd}, but the file ends at byte {fileLength}: it is cut short";
        if (problem is not null)
            throw new ImageFormatException(path, $"this TIFF file is damaged: {problem}; copy or export it again.");
    }

    private static string Name(TiffDirectory directory)
    {
        foreach (var name in (string[])["label", "macro"])
        {
            if (directory.Description.Contains(name, StringComparison.OrdinalIgnoreCase))
                return name;
        }

        return "thumbnail";
    }

    private static double? PixelSize(TiffDirectory main)
    {
        var match = MicronsInDescription().Match(main.Description);
        if (match.Success && double.TryParse(match.Groups[1].Value, CultureInfo.InvariantCulture, out var stated) && stated > 0)
            return stated;
        // 72 or 96 dots per inch is what programs write when they know nothing.
        if (main.XResolution is not > 0 || main.ResolutionUnit is not (2 or 3))
            return null;
        var perPixel = (main.ResolutionUnit == 2 ? 25400 : 10000) / main.XResolution.Value;
        return perPixel < 50 ? perPixel : null;
    }

    [GeneratedRegex(@"(?:\bMPP\s*=\s*|PhysicalSizeX="")([0-9.]+)")]
    private static partial Regex MicronsInDescription();
}
