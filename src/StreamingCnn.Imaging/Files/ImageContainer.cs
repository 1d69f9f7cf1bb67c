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

    /// <summary>Finds the reader for a file by its first bytes.</summary>
    /// <param name="path">The file.</param>
    /// <param name="page">Page of a TIFF whose pages are separate images.</param>
    /// <exception cref="ImageFormatException">No reader knows the file, or its header is damaged.</exception>
    public static ImageContainer Find(string path, int page = 0)
    {
        var head = FirstBytes(path);
        try
        {
            switch (FileSignature.Of(head))
            {
                case FileKind.Tiff:
                    var tiff = TiffFile.Read(path, page);
                    return TiffContainer.NeedsOpenSlide(tiff) ? new OpenSlideContainer(path) : new TiffContainer(path, tiff, page);
                case FileKind.Numpy:
                    return new ArrayContainer(path, NpyHeader.Read(path), "NumPy");
                case FileKind.Jpeg when OpenSlideContainer.IsMirax(path):
                    return new OpenSlideContainer(path);
                case FileKind.Photograph or FileKind.Jpeg:
                    return new PhotographContainer(path, head);
                case var _ when OpenSlideContainer.Knows(path):
                    return new OpenSlideContainer(path);
                default:
                    throw new ImageFormatException(path, FileSignature.LooksLikeText(head)
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
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ImageFormatException.Unreadable(path, error);
        }
    }
}
