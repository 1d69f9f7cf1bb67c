using System.Globalization;

namespace StreamingCnn.Imaging;

/// <summary>A file whose header has been read: what is in it, and how to open one of its levels.</summary>
internal abstract class ImageContainer
{
    /// <summary>What the header says.</summary>
    public abstract ImageInfo Info { get; }

    /// <summary>Opens one pyramid level at its own resolution.</summary>
    public abstract IImageSource OpenLevel(int level, ImageOptions options);

    /// <summary>Channels that <see cref="OpenLevel"/> would give, without decoding a pixel.</summary>
    public virtual int Channels(ImageOptions options)
    {
        using var source = OpenLevel(0, options);
        return source.Channels;
    }

    /// <summary>What is done with the file in words, from its header alone.</summary>
    /// <param name="options">How it is opened.</param>
    /// <param name="channels">Channels of every window.</param>
    public IEnumerable<ImageRemark> Remarks(ImageOptions options, int channels)
    {
        var kind = Info.FloatingPoint ? ", floating point" : Info.Signed ? ", with a sign" : "";
        yield return new(ImageAspect.Bands, $"{Info.Bands} band(s) of {Info.Bits} bits{kind}: {channels} channel(s)", false);
        foreach (var remark in OwnRemarks(options, channels))
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
                        : $"this is not an image of a known format (TIFF, JPEG, PNG, WebP, GIF, HEIF, NumPy .npy or a slide that OpenSlide reads{(OpenSlideNative.Available ? "" : $", which is not installed: {OpenSlideHandle.HowToInstall}")}).");
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
