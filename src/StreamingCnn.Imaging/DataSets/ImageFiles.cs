namespace StreamingCnn.Imaging.DataSets;

/// <summary>Tells files of a folder that are images, or are meant to be, from what programs leave beside them.</summary>
public static class ImageFiles
{
    private static readonly HashSet<string> Readable = new(StringComparer.OrdinalIgnoreCase)
    {
        ".tif", ".tiff", ".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".npy",
        ".jp2", ".j2k", ".jpx",
        ".svs", ".ndpi", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".svslide",
    };

    // Images as well: passing them over would leave out data without a word. Who meets one is told what to do with it.
    private static readonly HashSet<string> Others = new(StringComparer.OrdinalIgnoreCase)
    {
        ".gif", ".bmp", ".dib", ".jpe", ".jfif", ".jpf", ".j2c", ".jpc", ".jxl", ".jxr",
        ".dcm", ".dicom", ".czi", ".nd2", ".lif", ".vsi", ".isyntax", ".tf8", ".btf",
        ".psd", ".ppm", ".pgm", ".pnm", ".exr", ".hdr", ".nii", ".mha", ".mhd", ".nrrd",
        ".img", ".npz", ".zarr", ".raw", ".dng", ".cr2", ".nef", ".arw",
    };

    /// <summary>Endings of the formats that are read, with their dots.</summary>
    public static IReadOnlyCollection<string> Endings => Readable;

    /// <summary>Whether a file's ending is that of an image that can be read.</summary>
    public static bool HasEnding(string path) => Readable.Contains(Path.GetExtension(path));

    /// <summary>Whether a file is an image by its ending, or by its first bytes whatever its name.</summary>
    public static bool IsImage(string path) => HasEnding(path) || Others.Contains(Path.GetExtension(path)) || StartsLikeOne(path);

    /// <summary>Whether a name is hidden from listings.</summary>
    public static bool IsHidden(string name) => name.StartsWith('.');

    private static bool StartsLikeOne(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            var head = new byte[512];
            var length = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
            return FileSignature.Of(head.AsSpan(0, length)) != FileKind.Unknown || head.AsSpan(0, length).StartsWith("BM"u8)
                || (length >= 132 && head.AsSpan(128, 4).SequenceEqual("DICM"u8));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
