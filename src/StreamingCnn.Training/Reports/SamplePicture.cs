using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Reports;

/// <summary>A small picture of an image that was judged.</summary>
internal static class SamplePicture
{
    internal const int Side = 320;

    // An image that is no file is read whole, which is for small ones.
    private const long MostPixels = 4 << 20;

    /// <summary>The picture as JPEG, and what was done to show it; null where there is none.</summary>
    public static (byte[] Jpeg, string Remark)? Of(TrainingSample sample)
    {
        try
        {
            using var picture = Source(sample);
            return picture is null ? null : (ImageBytes.Jpeg(picture), (picture as SmallPicture)?.Remark ?? "");
        }
        catch (Exception missing)
            when (missing is ImageFormatException or IOException or NotSupportedException or UnauthorizedAccessException)
        {
            // A report without a picture is better than none.
            return null;
        }
    }

    /// <summary>The picture's pixels, of one or three channels from 0 to 255; null where the image is no file and too large.</summary>
    internal static IImageSource? Source(TrainingSample sample) => sample.Picture?.Invoke(Side)
        ?? (File.Exists(sample.Name) ? (IImageSource)Thumbnail.Read(ImageInfo.Read(sample.Name), Side) : FromSource(sample));

    private static TensorImageSource? FromSource(TrainingSample sample)
    {
        using var scope = NewDisposeScope();
        using var source = sample.Open(0);
        if (source.Height * source.Width > MostPixels)
            return null;
        var pixels = source.Read(0, 0, source.Height, source.Width).to(ScalarType.Float32);
        var isOfBands = pixels.shape[1] is not (1 or 3);
        var factor = Math.Min(1, Side / (double)Math.Max(source.Height, source.Width));
        if (factor < 1)
            pixels = nn.functional.interpolate(
                pixels,
                [Math.Max(1, (long)(source.Height * factor)), Math.Max(1, (long)(source.Width * factor))],
                mode: InterpolationMode.Area);
        if (isOfBands)
            return new TensorImageSource(Stretch.Of(pixels));
        // What the network sees is scaled; spread from the least to the greatest, an eye can see it too.
        var (least, most) = (pixels.min(), pixels.max());
        using Scalar smallest = 1e-12;
        return new TensorImageSource(((pixels - least) / (most - least).clamp_min(smallest) * tensor(255f)).MoveToOuterDisposeScope());
    }
}
