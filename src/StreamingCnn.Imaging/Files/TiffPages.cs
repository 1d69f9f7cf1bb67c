namespace StreamingCnn.Imaging;

/// <summary>Which pages of a TIFF are read as one image, and what those that are not read are.</summary>
internal sealed class TiffPages
{
    private readonly string stack;

    private TiffPages(IReadOnlyList<int> channels, OmeMetadata? ome, ImageJStack? imageJ, string stack)
    {
        Channels = channels;
        Ome = ome;
        ImageJ = imageJ;
        this.stack = stack;
    }

    /// <summary>The pages whose bands are joined, in order; one for most files.</summary>
    public IReadOnlyList<int> Channels { get; }

    public OmeMetadata? Ome { get; }

    public ImageJStack? ImageJ { get; }

    /// <summary>Finds the pages of an image.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tiff">Its directories.</param>
    /// <param name="page">The page that is wanted alone; null for the first, or all the channels that are in pages.</param>
    /// <exception cref="ImageFormatException">Channels cannot be joined; one page alone could be read.</exception>
    public static TiffPages Find(string path, TiffFile tiff, int? page)
    {
        var description = tiff.Directories[0].Description;
        var count = tiff.Directories.Count;
        var ome = OmeMetadata.Is(description)
            ? OmeMetadata.Read(description, path, count, page, tiff.Directories[page ?? 0].SamplesPerPixel)
            : null;
        var imageJ = ImageJStack.Read(description);
        var alone = new[] { page ?? 0 };
        if (page is not null)
            return new(alone, ome, imageJ, "");
        if (ome is { Channels: > 1 })
        {
            var places = Enumerable.Range(0, ome.Channels).Select(channel => ome.Page(channel)).ToArray();
            if (places.Contains(null))
            {
                var lost = Array.IndexOf(places, null);
                throw new ImageFormatException(
                    path,
                    $"its OME metadata tell of {ome.Channels} channels, but channel {lost} is in no page of this file; "
                        + "give the file that holds all, or read one page alone (page 0: --page 0).");
            }

            return new(Alike(path, tiff, [.. places.OfType<int>()]), ome, imageJ, Stack(ome.Depth, ome.Times));
        }

        if (imageJ is { Channels: > 1 })
        {
            if (count < imageJ.Channels)
            {
                throw new ImageFormatException(
                    path,
                    $"this ImageJ stack keeps {imageJ.Images} images of {imageJ.Channels} channels behind {count} page(s); "
                        + "save it as an OME-TIFF, or read one page alone (page 0: --page 0).");
            }

            return new(Alike(path, tiff, [.. Enumerable.Range(0, imageJ.Channels)]), ome, imageJ, Stack(imageJ.Slices, imageJ.Frames));
        }

        var stack = ome is not null ? Stack(ome.Depth, ome.Times) : imageJ is not null ? Stack(imageJ.Slices, imageJ.Frames) : "";
        return new(ome?.Page(0) is { } first ? [first] : alone, ome, imageJ, stack);
    }

    /// <summary>What a person should know of the pages.</summary>
    /// <param name="images">Images in the file, joined channels counting as one.</param>
    /// <param name="page">The page that was asked for, if one was.</param>
    public IEnumerable<string> Remarks(int images, int? page)
    {
        if (Channels.Count > 1)
            yield return $"{Channels.Count} channels in pages are joined{(stack.Length > 0 ? $"; of {stack} only the first is read" : "")}";
        else if (page is { } one && images > 1)
            yield return $"page {one} of {images} is read";
        else if (images > 1)
            yield return $"{images} pages{(stack.Length > 0 ? $" ({stack})" : "")}; only the first is read";
        else if (ImageJ is { Images: > 1 } && page is null)
            yield return $"{ImageJ.Images} images behind one page; only the first is read";
    }

    private static string Stack(int depth, int times) =>
        string.Join(" and ", new[] { depth > 1 ? $"{depth} depths" : "", times > 1 ? $"{times} times" : "" }
            .Where(text => text.Length > 0));

    private static int[] Alike(string path, TiffFile tiff, int[] channels)
    {
        var main = tiff.Directories[channels[0]];
        foreach (var page in channels)
        {
            var other = tiff.Directories[page];
            if (other.Width != main.Width || other.Height != main.Height || other.BitsPerSample != main.BitsPerSample
                || other.SampleFormat != main.SampleFormat || other.SamplesPerPixel != main.SamplesPerPixel || other.Tiled != main.Tiled)
            {
                throw new ImageFormatException(
                    path,
                    $"its channels are in pages of several sizes or types (page {channels[0]} is {main.Width} x {main.Height}, "
                        + $"page {page} {other.Width} x {other.Height}), so they cannot be joined; "
                        + "read one page alone (page 0: --page 0).");
            }
        }

        return channels;
    }
}
