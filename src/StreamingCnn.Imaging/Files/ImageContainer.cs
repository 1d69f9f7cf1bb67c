using System.Globalization;

namespace StreamingCnn.Imaging;

/// <summary>A file whose header has been read: what is in it, and how to open one of its levels.</summary>
internal abstract class ImageContainer
{
    private int? bandCount;

    /// <summary>What the header says.</summary>
    public abstract ImageInfo Info { get; }

    /// <summary>Opens one pyramid level at its own resolution.</summary>
    /// <exception cref="ImageFormatException">There are no such bands, or they cannot be read so.</exception>
    public IImageSource OpenLevel(int level, ImageOptions options)
    {
        if (options.Bands is not { } bands)
            return OpenAll(level, options);
        var channels = CheckChannels(bands, options.Channels);
        var source = OpenChosen(level, AllBands(options), bands.Find(Info.Path, CountBands(options), Info.BandNames));
        return channels == bands.Count ? source : new ConvertedSource(source, channels);
    }

    /// <summary>Channels that <see cref="OpenLevel"/> would give, without decoding a pixel.</summary>
    /// <exception cref="ImageFormatException">There are no such bands, or they cannot be read so.</exception>
    public int Channels(ImageOptions options)
    {
        if (options.Bands is not { } bands)
            return CountAll(options);
        var channels = CheckChannels(bands, options.Channels);
        bands.Find(Info.Path, CountBands(options), Info.BandNames);
        return channels;
    }

    /// <summary>The chosen bands in words, such as <c>bands 4 (nir), 3, 2</c>.</summary>
    /// <exception cref="ImageFormatException">There are no such bands.</exception>
    public string Describe(ImageOptions options)
    {
        var names = NamesOf(options, options.Bands!.Count);
        return $"band{(names.Length == 1 ? "" : "s")} {string.Join(", ", names)}";
    }

    /// <summary>Each channel that is read as people write it: its band's number and name; a number alone of what has no name.</summary>
    /// <param name="options">How the file is opened.</param>
    /// <param name="channels">Channels that come of it.</param>
    public string[] NamesOf(ImageOptions options, int channels) => [.. Places(options, channels).Select(Info.BandText)];

    /// <summary>Each channel by its band's name, or its number where it has none.</summary>
    /// <inheritdoc cref="NamesOf"/>
    public string[] ShortNamesOf(ImageOptions options, int channels) =>
    [
        .. Places(options, channels).Select(band => Info.BandNames.ElementAtOrDefault(band) ?? $"{band + 1}"),
    ];

    /// <summary>The band of each channel, from 0.</summary>
    private int[] Places(ImageOptions options, int channels)
    {
        var places = options.Bands?.Find(Info.Path, CountBands(options), Info.BandNames);
        return places?.Length == channels ? places : [.. Enumerable.Range(0, channels)];
    }

    /// <summary>Opens one pyramid level with all its bands.</summary>
    protected abstract IImageSource OpenAll(int level, ImageOptions options);

    /// <summary>Channels that <see cref="OpenAll"/> would give, without decoding a pixel.</summary>
    protected virtual int CountAll(ImageOptions options)
    {
        using var source = OpenAll(0, options);
        return source.Channels;
    }

    /// <summary>Opens one pyramid level with some of its bands, in another order.</summary>
    /// <param name="level">The level.</param>
    /// <param name="all">How all bands are read.</param>
    /// <param name="bands">Places of the bands, from 0.</param>
    protected virtual IImageSource OpenChosen(int level, ImageOptions all, int[] bands) => new BandSource(OpenAll(level, all), bands);

    /// <summary>Bands that can be chosen from.</summary>
    private int CountBands(ImageOptions options) => bandCount ??= CountAll(AllBands(options));

    private static ImageOptions AllBands(ImageOptions options) =>
        options with { Bands = null, Channels = null, Alpha = AlphaHandling.Keep };

    private int CheckChannels(BandChoice bands, int? wanted) => wanted is not { } channels || channels == bands.Count
        ? bands.Count
        : bands.Count is 1 or 3
            ? channels
            : throw new ImageFormatException(
                Info.Path,
                $"{bands.Count} bands ({bands}) and {channels} channels were asked for; only 1 or 3 bands are converted, so choose {channels}.");

    /// <summary>What is done with the file in words, from its header alone.</summary>
    /// <param name="options">How it is opened.</param>
    /// <param name="channels">Channels of every window.</param>
    public IEnumerable<ImageRemark> Remarks(ImageOptions options, int channels)
    {
        var kind = Info.FloatingPoint ? ", floating point" : Info.Signed ? ", with a sign" : "";
        var chosen = options.Bands is null ? "" : $"{Describe(options)} chosen, ";
        yield return new(ImageAspect.Bands, $"{Info.Bands} band(s) of {Info.Bits} bits{kind}: {chosen}{channels} channel(s)", false);
        // Who names bands has said what becomes of alpha.
        foreach (var remark in OwnRemarks(options, channels).Where(one => options.Bands is null || one.Aspect != ImageAspect.Alpha))
            yield return remark;
        if ((options.NoDataValue ?? Info.NoData) is { } missing)
        {
            var origin = options.NoDataValue is null ? "declared in the file" : "given";
            var done = options.NoData == NoDataHandling.Fill ? "such pixels are filled" : "such pixels are taken as values";
            yield return new(
                ImageAspect.NoData,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the value {missing} means no data ({origin}): {done}"),
                true);
        }

        yield return new(ImageAspect.Resolution, Resolution(), false);
    }

    /// <summary>Remarks on what only files of this kind have.</summary>
    protected virtual IEnumerable<ImageRemark> OwnRemarks(ImageOptions options, int channels) => [];

    private string Resolution() => (Info.MicrometresPerPixel, Info.MicrometresPerPixelDown) switch
    {
        (null, _) => Info.ResolutionOrigin,
        ({ } across, null) => string.Create(
            CultureInfo.InvariantCulture, $"{across:0.####} micrometres per pixel, from {Info.ResolutionOrigin}"),
        ({ } across, { } down) => string.Create(
            CultureInfo.InvariantCulture,
            $"{across:0.####} micrometres per pixel across and {down:0.####} down, from {Info.ResolutionOrigin}"),
    };

    /// <summary>Finds the reader for a file by its first bytes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">The page and the order of axes that are wanted.</param>
    /// <exception cref="ImageFormatException">No reader knows the file, or its header is damaged.</exception>
    public static ImageContainer Find(string path, ImageOptions options)
    {
        var head = FirstBytes(path);
        try
        {
            switch (FileSignature.Of(head))
            {
                case FileKind.Tiff:
                    var tiff = TiffFile.Read(path, options.Page ?? 0);
                    return TiffContainer.NeedsOpenSlide(tiff) ? new OpenSlideContainer(path) : new TiffContainer(path, tiff, options.Page);
                case FileKind.Jpeg2000:
                    return new GdalContainer(path);
                case FileKind.Numpy:
                    return new ArrayContainer(path, NpyHeader.Read(path, options.Axis), "NumPy");
                case FileKind.Jpeg when OpenSlideContainer.IsMirax(path):
                    return new OpenSlideContainer(path);
                case FileKind.Photograph or FileKind.Jpeg:
                    return new PhotographContainer(path, head);
                case var _ when OpenSlideContainer.Knows(path):
                    return new OpenSlideContainer(path);
                default:
                    throw new ImageFormatException(path, FileSignature.HowToConvert(head) is { } conversion
                        ? conversion
                        : FileSignature.LooksLikeText(head)
                        ? "this is a text file, not an image; check that the right file was given."
                        : $"this is not an image of a known format (TIFF, JPEG, JPEG 2000, PNG, WebP, GIF, HEIF, NumPy .npy or a slide that OpenSlide reads{(OpenSlideNative.Available ? "" : $", which is not installed: {OpenSlideHandle.HowToInstall}")}).");
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or OverflowException)
        {
            throw ImageFormatException.Unreadable(path, error);
        }
    }

    private static byte[] FirstBytes(string path)
    {
        if (Directory.Exists(path))
            throw new ImageFormatException(path, "this is a folder; give the path of an image file in it.");
        if (!File.Exists(path))
            throw new ImageFormatException(path, "there is no such file; check the path.");
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length == 0)
                throw new ImageFormatException(path, "the file is empty (0 bytes); copy or download it again.");
            var head = new byte[(int)Math.Min(512, stream.Length)];
            stream.ReadExactly(head);
            return head;
        }
        catch (IOException error) when (new FileInfo(path).LinkTarget is { } target)
        {
            throw new ImageFormatException(
                path, $"this is a symbolic link to '{target}', where there is no file that can be read; check the link.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ImageFormatException.Unreadable(path, error);
        }
    }
}
