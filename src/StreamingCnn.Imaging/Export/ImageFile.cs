using NetVips;
using StreamingCnn.Interop.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Export;

/// <summary>Writes images to files, band by band: memory does not grow with the area of the image.</summary>
public static class ImageFile
{
    private const long BandBytes = 8 << 20;

    /// <summary>
    /// Writes an image as PNG, or as a tiled pyramid (lossless BigTIFF) where the name ends in <c>.tif</c> or <c>.tiff</c>.
    /// </summary>
    /// <param name="source">
    /// An image of one or three channels on the scale 0 to 255; numbers that are not whole are rounded. Stays the caller's.
    /// </param>
    /// <param name="path">
    /// The file. It appears complete or not at all; one that is there already is replaced. While it is made, the bare pixels lie beside it
    /// in a temporary file.
    /// </param>
    /// <exception cref="ArgumentException">The image has neither one nor three channels.</exception>
    /// <exception cref="IOException">The file cannot be written; the message is one sentence.</exception>
    public static void Write(IImageSource source, string path)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(path);
        if (source.Channels is not (1 or 3))
            throw new ArgumentException($"The image has {source.Channels} channels; images of 1 or 3 can be written.", nameof(source));
        var folder = Path.GetDirectoryName(Path.GetFullPath(path));
        if (!Directory.Exists(folder))
            throw new IOException($"'{path}' cannot be written: there is no folder '{folder}'.");
        VipsLibrary.Quieten();
        var (raw, coded) = (AtomicFile.TemporaryName(path), AtomicFile.TemporaryName(path));
        try
        {
            WriteRows(source, raw);
            Encode(source, raw, coded, pyramid: Path.GetExtension(path).ToUpperInvariant() is ".TIF" or ".TIFF");
            File.Move(coded, path, overwrite: true);
        }
        catch (Exception error) when (error is VipsException or IOException or UnauthorizedAccessException)
        {
            // The temporary names, which .NET makes absolute, are not what was asked for.
            var reason = new[] { Path.GetFullPath(raw), Path.GetFullPath(coded), raw, coded }.Aggregate(
                error.Message.Split('\n')[0], (text, name) => text.Replace(name, path, StringComparison.Ordinal));
            throw new IOException($"'{path}' cannot be written: {reason.TrimEnd('.')}.", error);
        }
        finally
        {
            File.Delete(raw);
            File.Delete(coded);
        }
    }

    private static void WriteRows(IImageSource source, string path)
    {
        using var file = File.Create(path);
        var rows = Math.Clamp(BandBytes / (source.Width * source.Channels), 1, source.Height);
        for (long top = 0; top < source.Height; top += rows)
        {
            using var scope = NewDisposeScope();
            var band = source.Read(top, 0, Math.Min(rows, source.Height - top), source.Width);
            if (band.dtype != ScalarType.Byte)
                band = BytePixels.Of(band);
            file.Write(band[0].permute(1, 2, 0).contiguous().bytes);
        }
    }

    private static void Encode(IImageSource source, string raw, string target, bool pyramid)
    {
        using var loaded = Image.Rawload(
            raw, checked((int)source.Width), checked((int)source.Height), source.Channels, access: Enums.Access.Sequential);
        using var image = loaded.Copy(interpretation: source.Channels == 1 ? Enums.Interpretation.Bw : Enums.Interpretation.Srgb);
        if (pyramid)
            image.Tiffsave(
                target,
                compression: Enums.ForeignTiffCompression.Deflate,
                tile: true,
                tileWidth: 256,
                tileHeight: 256,
                pyramid: true,
                bigtiff: true);
        else
            image.Pngsave(target, compression: 3);
    }
}
