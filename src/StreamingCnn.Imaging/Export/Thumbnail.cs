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
    /// The bands, the page, alpha and so on, as for the image itself; resolution and crop are passed over. Null for the defaults.
    /// </param>
    /// <returns>
    /// A small image in memory, uint8. Colours and grey of 8 bits are as they are. Of all other images the first three of the bands that
    /// are read, or one, are stretched from the 2nd to the 98th percentile of what is shown, since their values mean nothing to the eye as
    /// they are: see <see cref="SmallPicture.Remark"/>.
    /// </returns>
    /// <exception cref="ImageFormatException">The pixels cannot be read.</exception>
    public static SmallPicture Read(ImageInfo info, int side, ImageOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(info);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        options ??= new ImageOptions();
        using var scope = NewDisposeScope();
        var pixels = Pixels(info, side, options);
        var channels = (int)pixels.shape[1];
        return IsShownAsItIs(info, options, channels)
            ? new(Bytes(pixels), "")
            : new(Stretch.Of(pixels, IsStretchedTogether(options, channels)), Remark(info, options, channels));
    }

    /// <summary>Whether pixels are shown as they are, and not stretched.</summary>
    internal static bool IsShownAsItIs(ImageInfo info, ImageOptions options, int channels) =>
        IsOfBytes(info) && channels is 1 or 3 && options.Bands is null;

    /// <summary>Whether all channels are stretched from one range, as colours are.</summary>
    internal static bool IsStretchedTogether(ImageOptions options, int channels) => channels == 3 && options.Bands is null;

    /// <summary>What is said of an image that is stretched.</summary>
    internal static string Remark(ImageInfo info, ImageOptions options, int channels)
    {
        var isTogether = IsStretchedTogether(options, channels);
        var names = ImageContainer.Find(info.Path, options).NamesOf(options, channels)[..Stretch.Shown(channels)];
        var bands = isTogether || (channels == 1 && options.Bands is null) ? ""
            : names.Length == 1 ? $"band {names[0]}, "
            : $"bands {string.Join(", ", names)}, ";
        return bands + (names.Length > 1 && !isTogether ? Stretch.EachBand : Stretch.Together);
    }

    /// <summary>
    /// The same for a threshold and not for the eye: values of other types than bytes are spread from the least to the greatest, and of
    /// images that have neither one nor three channels the first is taken.
    /// </summary>
    internal static IImageSource ForThreshold(ImageInfo info, int side, ImageOptions? options)
    {
        using var scope = NewDisposeScope();
        var pixels = Pixels(info, side, options ?? new ImageOptions());
        if (pixels.shape[1] is not (1 or 3))
            pixels = pixels.narrow(1, 0, 1);
        return new TensorImageSource(IsOfBytes(info) ? Bytes(pixels) : Spread(pixels));
    }

    private static bool IsOfBytes(ImageInfo info) => info is { Bits: <= 8, FloatingPoint: false, Signed: false };

    /// <summary>A small version of an image, [1, C, H, W], with NaN where there are no data.</summary>
    internal static Tensor Pixels(ImageInfo info, int side, ImageOptions options)
    {
        var factor = Math.Max(1, Math.Max(info.Height, info.Width) / (double)side);
        using var image = ImageSource.Open(info.Path, options with
        {
            Channels = null,
            Level = null,
            MicrometresPerPixel = null,
            Downsample = factor,
            Crop = null,
            NoDataFill = [float.NaN],
        });
        // Strip by strip: behind a file without a pyramid stands the whole image.
        var strips = new List<Tensor>();
        for (long top = 0; top < image.Height; top += BandRows)
            strips.Add(image.Read(top, 0, Math.Min(BandRows, image.Height - top), image.Width));
        return cat(strips, 2);
    }

    // Where there are no data the picture is white, which is also what Otsu's threshold takes for background.
    private static Tensor Bytes(Tensor pixels) => pixels.dtype == ScalarType.Byte ? pixels : BytePixels.Of(pixels.nan_to_num(255));

    private static Tensor Spread(Tensor pixels)
    {
        if (pixels.dtype == ScalarType.Byte)
            return pixels;
        var present = pixels[pixels.isfinite()];
        if (present.numel() == 0)
            return BytePixels.Of(pixels.nan_to_num(255, 255, 255));
        var (least, most) = (present.min(), present.max());
        pixels = pixels.nan_to_num((double)most.item<float>());
        return BytePixels.Of(BytePixels.Spread(pixels, least, most));
    }
}
