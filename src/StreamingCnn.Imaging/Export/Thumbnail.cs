using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Export;

/// <summary>Small pictures of large images, to be looked at.</summary>
public static class Thumbnail
{
    private const long BandRows = 32;

    /// <summary>Reads an image file at a size at which its longer side fits.</summary>
    /// <param name="info">The header of the file.</param>
    /// <param name="side">Greatest height and width of the result in pixels. Smaller images stay as they are.</param>
    /// <param name="options">
    /// The page, alpha and so on, as for the image itself; resolution and crop are passed over. Null for the defaults.
    /// </param>
    /// <returns>
    /// A small image in memory, uint8. Values of other types are spread from the least to the greatest over 0 to 255, since they mean
    /// nothing to the eye as they are; images that have neither one nor three channels show their first.
    /// </returns>
    /// <exception cref="ImageFormatException">The pixels cannot be read.</exception>
    public static IImageSource Read(ImageInfo info, int side, ImageOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(info);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        using var scope = NewDisposeScope();
        var factor = Math.Max(1, Math.Max(info.Height, info.Width) / (double)side);
        using var image = ImageSource.Open(info.Path, (options ?? new ImageOptions()) with
        {
            Channels = null,
            Level = null,
            MicrometresPerPixel = null,
            Downsample = factor,
            Crop = null,
            NoDataFill = [float.NaN],
        });
        // Band by band: behind a file without a pyramid stands the whole image.
        var bands = new List<Tensor>();
        for (long top = 0; top < image.Height; top += BandRows)
            bands.Add(image.Read(top, 0, Math.Min(BandRows, image.Height - top), image.Width));
        return new TensorImageSource(Visible(cat(bands, 2), info is { Bits: <= 8, FloatingPoint: false, Signed: false }));
    }

    private static Tensor Visible(Tensor pixels, bool isByte)
    {
        if (pixels.shape[1] is not (1 or 3))
            pixels = pixels.narrow(1, 0, 1);
        if (pixels.dtype == ScalarType.Byte)
            return pixels;
        // Where there are no data the picture is white, which is also what Otsu's threshold takes for background.
        if (isByte)
            return BytePixels.Of(pixels.nan_to_num(255));
        var present = pixels[pixels.isfinite()];
        if (present.numel() == 0)
            return BytePixels.Of(pixels.nan_to_num(255, 255, 255));
        var (least, most) = (present.min(), present.max());
        pixels = pixels.nan_to_num((double)most.item<float>());
        return BytePixels.Of(BytePixels.Spread(pixels, least, most));
    }
}
