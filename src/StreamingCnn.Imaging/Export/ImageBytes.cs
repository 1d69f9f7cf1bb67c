using NetVips;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Export;

/// <summary>Small images as the bytes of a file, for pages that carry their pictures within themselves.</summary>
public static class ImageBytes
{
    /// <summary>Encodes an image as JPEG.</summary>
    /// <param name="source">An image of one or three channels on the scale 0 to 255, small enough for memory. Stays the caller's.</param>
    /// <param name="quality">From 1 to 100.</param>
    /// <exception cref="ArgumentException">The image has neither one nor three channels.</exception>
    public static byte[] Jpeg(IImageSource source, int quality = 85)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Channels is not (1 or 3))
            throw new ArgumentException($"The image has {source.Channels} channels; images of 1 or 3 can be encoded.", nameof(source));
        VipsLibrary.Quieten();
        using var scope = NewDisposeScope();
        var pixels = source.Read(0, 0, source.Height, source.Width);
        if (pixels.dtype != ScalarType.Byte)
            pixels = BytePixels.Of(pixels);
        pixels = pixels[0].permute(1, 2, 0).contiguous();
        using var loaded = Image.NewFromMemoryCopy(
            pixels.bytes, checked((int)source.Width), checked((int)source.Height), source.Channels, Enums.BandFormat.Uchar);
        using var image = loaded.Copy(interpretation: source.Channels == 1 ? Enums.Interpretation.Bw : Enums.Interpretation.Srgb);
        return image.JpegsaveBuffer(q: quality);
    }
}
