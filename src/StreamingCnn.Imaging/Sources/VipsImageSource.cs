using System.Runtime.InteropServices;
using NetVips;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>An image file decoded by libvips, window by window.</summary>
internal sealed class VipsImageSource : IImageSource
{
    // What libtiff, libheif and libvips say of codecs that they were built without: Zstandard, JPEG 2000, HEVC and others.
    private static readonly string[] MissingCodecs = ["is not configured", "is not implemented", "has not been built in", "built without"];

    // What they say of files that they do not read by design, damaged or not.
    private static readonly string[] Refusals =
    [
        "not supported", "unsupported tiff image type", "bad labq format", "Unsupported JPEG process", "Unsupported feature",
        "Unsupported file", "Unsupported codec", "not a known file format", "not in a known format",
    ];

    private readonly string path;
    private readonly Source file;
    private readonly Image image;

    private VipsImageSource(string path, Source file, Image image)
    {
        this.path = path;
        this.file = file;
        this.image = image;
    }

    public int Channels => image.Bands;

    public long Height => image.Height;

    public long Width => image.Width;

    /// <summary>Opens one image of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Channels, colour profile, value range.</param>
    /// <param name="page">TIFF page, or -1 where the format has none.</param>
    /// <param name="subIfd">SubIFD of the page, or -1.</param>
    /// <param name="tiled">Whether windows can be decoded on their own; otherwise the image is decoded here and now.</param>
    /// <param name="meaning">What the file's header says of its bands.</param>
    public static VipsImageSource Open(string path, ImageOptions options, int page, int subIfd, bool tiled, BandMeaning meaning = default)
    {
        VipsLibrary.Quieten();
        Source? file = null;
        try
        {
            // By source and not by name: libvips would take brackets in a name for options. A TIFF is not mapped.
            file = page >= 0 ? Source.NewFromFile(path) : new UnmappedFile(path);
            var arguments = new VOption();
            if (page >= 0)
                arguments.Add("page", page);
            if (subIfd >= 0)
                arguments.Add("subifd", subIfd);
            // A tile of a TIFF that does not decode is a warning to libvips, which would give black pixels for it. In strips, what does not
            // decode is an error, and warnings are of tags that it does not know. In a photograph warnings are trifles that every camera
            // causes.
            var strictness = page >= 0 && tiled ? Enums.FailOn.Warning : Enums.FailOn.Error;
            var loaded = Image.NewFromSource(file, access: Enums.Access.Random, failOn: strictness, kwargs: arguments);
            var source = new VipsImageSource(path, file, Prepare(path, loaded, options, meaning));
            if (!tiled)
            {
                CheckTemporarySpace(path, loaded);
                source.Read(source.Height - 1, source.Width - 1, 1, 1).Dispose();
            }

            return source;
        }
        catch (VipsException error)
        {
            file?.Dispose();
            throw Explain(path, error);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Channels of an image of a file as <see cref="Open"/> would give them. The steps up to the channels are set up, but no pixel goes
    /// through them.
    /// </summary>
    public static int CountChannels(string path, ImageOptions options, int page, int subIfd, BandMeaning meaning = default)
    {
        using var source = Open(path, options, page, subIfd, tiled: true, meaning);
        return source.Channels;
    }

    public Tensor Read(long top, long left, long height, long width)
    {
        new ImageRegion(top, left, height, width).CheckInside(Height, Width);
        try
        {
            using var window = image.Crop((int)left, (int)top, (int)width, (int)height);
            return VipsWindow.ToTensor(window);
        }
        catch (VipsException error)
        {
            throw Explain(path, error);
        }
    }

    public void Dispose()
    {
        image.Dispose();
        file.Dispose();
    }

    /// <summary>Turns what libvips says, often several lines, into one sentence.</summary>
    public static ImageFormatException Explain(string path, VipsException error)
    {
        var lines = error.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var said = string.Join(
            "; ", lines.Where(line => !line.StartsWith("unable to", StringComparison.OrdinalIgnoreCase)).Distinct().Take(2))
            .TrimEnd('.');
        if (lines.LastOrDefault(line => MissingCodecs.Any(line.Contains)) is { } missing)
        {
            return new ImageFormatException(
                path,
                "it is compressed in a way that this installation of libvips does not decode; convert a photograph to JPEG or PNG, "
                    + $"any other image to a TIFF with Deflate (the decoder says: {missing.TrimEnd('.')}).",
                error);
        }

        // Damage is said only of what is damaged: a decoder that refuses a layout has not looked at the pixels.
        return new ImageFormatException(
            path,
            Refusals.Any(error.Message.Contains)
                ? "libvips does not read images that are stored like this; convert a photograph to JPEG or PNG, "
                    + $"any other image to a TIFF with Deflate (the decoder says: {said})."
                : $"the image is damaged or cut short, so copy or export it again (the decoder says: {said}).",
            error);
    }

    private static Image Prepare(string path, Image loaded, ImageOptions options, BandMeaning meaning)
    {
        try
        {
            return VipsPixels.Prepare(path, loaded, options, meaning);
        }
        catch (VipsException error)
            when (error.Message.Contains("profile", StringComparison.OrdinalIgnoreCase)
                || error.Message.Contains("icc", StringComparison.OrdinalIgnoreCase))
        {
            throw OfProfile(path, error);
        }
    }

    /// <summary>The sentence for colours that cannot be turned into sRGB.</summary>
    public static ImageFormatException OfProfile(string path, VipsException error) => new(
        path,
        "its colour profile is damaged, so its colours are not known; save it anew with or without a profile "
            + $"(the decoder says: {error.Message.Split('\n')[0].TrimEnd('.')}).",
        error);

    private static void CheckTemporarySpace(string path, Image loaded)
    {
        var needed = (double)loaded.Width * loaded.Height * loaded.Bands * Marshal.SizeOf<float>();
        if (loaded.Format == Enums.BandFormat.Uchar)
            needed /= 4;
        if (needed < 100e6)
            return;
        var folder = Path.GetTempPath();
        var free = new DriveInfo(folder).AvailableFreeSpace;
        if (needed > free)
        {
            throw new ImageFormatException(
                path,
                $"its {loaded.Width} x {loaded.Height} pixels must be decoded into a temporary file of {needed / 1e9:0.#} GB, but {folder} has {free / 1e9:0.#} GB free; convert it to a tiled TIFF.");
        }
    }
}
