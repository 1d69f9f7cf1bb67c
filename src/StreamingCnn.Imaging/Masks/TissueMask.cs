using System.Collections;
using StreamingCnn.Imaging.Export;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Masks;

/// <summary>Which part of an image is tissue or another foreground, found on a thumbnail.</summary>
public sealed class TissueMask
{
    // Of a thousand slides they are held at once.
    private readonly BitArray foreground;
    private readonly long imageHeight;
    private readonly long imageWidth;

    private TissueMask(bool[] foreground, int height, int width, long imageHeight, long imageWidth, int threshold)
    {
        this.foreground = new(foreground);
        (Height, Width, Threshold) = (height, width, threshold);
        (this.imageHeight, this.imageWidth) = (imageHeight, imageWidth);
        ForegroundShare = (double)foreground.Count(value => value) / foreground.Length;
    }

    /// <summary>Height of the mask in pixels of the thumbnail.</summary>
    public int Height { get; }

    /// <summary>Width of the mask in pixels of the thumbnail.</summary>
    public int Width { get; }

    /// <summary>Otsu's threshold on the scale 0 to 255; -1 where a mask image was given.</summary>
    public int Threshold { get; }

    /// <summary>Share of the image that is foreground, 0 to 1; the rest is background.</summary>
    public double ForegroundShare { get; }

    /// <summary>Whether a pixel of the thumbnail is foreground.</summary>
    public bool this[int row, int column] => foreground[(row * Width) + column];

    /// <summary>
    /// Separates foreground from background by Otsu's threshold (1979) on the thumbnail's saturation (greatest minus least channel) for
    /// colour, since stained tissue is colourful and glass is not; on darkness for grey.
    /// </summary>
    /// <param name="thumbnail">A small version of the image, such as that of <see cref="ImageOptions.Downsample"/>; not disposed.</param>
    /// <param name="imageHeight">Height of the image itself in pixels.</param>
    /// <param name="imageWidth">Width of the image itself in pixels.</param>
    public static TissueMask Otsu(IImageSource thumbnail, long imageHeight, long imageWidth)
    {
        ArgumentNullException.ThrowIfNull(thumbnail);
        using var scope = NewDisposeScope();
        var pixels = thumbnail.Read(0, 0, thumbnail.Height, thumbnail.Width).to(ScalarType.Float32);
        var signal = thumbnail.Channels == 3 ? pixels.amax([1]) - pixels.amin([1]) : tensor(255f) - pixels.mean([1]);
        var values = BytePixels.Of(signal).contiguous().bytes.ToArray();
        var threshold = OtsuThreshold(values);
        return new TissueMask(
            [
                .. values.Select(value => value > threshold)
            ], (int)thumbnail.Height, (int)thumbnail.Width, imageHeight, imageWidth, threshold);
    }

    /// <summary>The same of an image file, read at a size at which its longer side fits.</summary>
    /// <param name="info">The header of the file.</param>
    /// <param name="side">Greatest height and width in pixels that the threshold is found at.</param>
    /// <param name="options">The bands, the page, alpha and so on; resolution and crop are passed over. Null for the defaults.</param>
    /// <exception cref="ImageFormatException">The pixels cannot be read.</exception>
    public static TissueMask Otsu(ImageInfo info, int side, ImageOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(info);
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        using var thumbnail = Thumbnail.ForThreshold(info, side, options);
        return Otsu(thumbnail, info.Height, info.Width);
    }

    /// <summary>Takes a mask image: what is not 0 is foreground.</summary>
    /// <param name="mask">The mask, small enough to be read whole; not disposed.</param>
    /// <param name="imageHeight">Height in pixels of the image that it belongs to.</param>
    /// <param name="imageWidth">Width in pixels of the image that it belongs to.</param>
    public static TissueMask From(IImageSource mask, long imageHeight, long imageWidth)
    {
        ArgumentNullException.ThrowIfNull(mask);
        using var scope = NewDisposeScope();
        var values = mask.Read(0, 0, mask.Height, mask.Width).to(ScalarType.Bool).any(1).to(ScalarType.Byte).contiguous().bytes.ToArray();
        return new TissueMask([.. values.Select(value => value != 0)], (int)mask.Height, (int)mask.Width, imageHeight, imageWidth, -1);
    }

    /// <summary>Takes a mask file of any size for an image: what is not 0 is foreground.</summary>
    /// <param name="path">The mask; read at a size of at most 2048 pixels, from the pyramid level nearest to that.</param>
    /// <param name="imageHeight">Height in pixels of the image that it belongs to.</param>
    /// <param name="imageWidth">Width in pixels of the image that it belongs to.</param>
    /// <exception cref="ImageFormatException">The file cannot be read, or its shape is not that of the image.</exception>
    public static TissueMask FromFile(string path, long imageHeight, long imageWidth)
    {
        const double Side = 2048;
        var info = ImageInfo.Read(path);
        // A mask may be smaller than its image, each side rounded on its own, but not of another shape.
        var (down, across) = ((double)imageHeight / info.Height, (double)imageWidth / info.Width);
        if (Math.Abs((down / across) - 1) > 0.02 + (1.0 / info.Height) + (1.0 / info.Width))
        {
            throw new ImageFormatException(
                path, $"this mask of {info.Height} x {info.Width} pixels (height x width) has another shape than its image of {imageHeight} x {imageWidth}; give the mask of this image.");
        }

        using var mask = ImageSource.Open(
            path, new ImageOptions { Downsample = Math.Max(1, Math.Max(info.Height, info.Width) / Side), RawValues = true });
        return From(mask, imageHeight, imageWidth);
    }

    /// <summary>
    /// The mask as an image of its own size: one channel, 1 where there is foreground and 0 elsewhere. It needs no disposal.
    /// </summary>
    public IImageSource Open() => new ThumbnailSource(this);

    /// <summary>The smallest box of the image that holds all foreground, or null where there is none.</summary>
    public ImageRegion? BoundingBox()
    {
        var places = Enumerable.Range(0, foreground.Count).Where(i => foreground[i]).ToList();
        if (places.Count == 0)
            return null;
        var (top, bottom) = (places[0] / Width, (places[^1] / Width) + 1);
        var (left, right) = (places.Min(i => i % Width), places.Max(i => i % Width) + 1);
        var (y0, y1) = ((long)Math.Floor((double)top * imageHeight / Height), (long)Math.Ceiling((double)bottom * imageHeight / Height));
        var (x0, x1) = ((long)Math.Floor((double)left * imageWidth / Width), (long)Math.Ceiling((double)right * imageWidth / Width));
        return new ImageRegion(y0, x0, Math.Min(y1, imageHeight) - y0, Math.Min(x1, imageWidth) - x0);
    }

    private sealed class ThumbnailSource(TissueMask mask) : IImageSource
    {
        public int Channels => 1;

        public long Height => mask.Height;

        public long Width => mask.Width;

        public Tensor Read(long top, long left, long height, long width)
        {
            new ImageRegion(top, left, height, width).CheckInside(Height, Width);
            var values = new byte[height * width];
            for (var i = 0; i < values.Length; i++)
                values[i] = mask[(int)(top + (i / width)), (int)(left + (i % width))] ? (byte)1 : (byte)0;
            return tensor(values, [1, 1, height, width], ScalarType.Byte);
        }

        public void Dispose()
        {
        }
    }

    private static int OtsuThreshold(byte[] values)
    {
        var histogram = new long[256];
        foreach (var value in values)
            histogram[value]++;
        double total = values.Length, sum = 0;
        for (var i = 0; i < 256; i++)
            sum += i * (double)histogram[i];
        var (best, bestSpread) = (0, -1.0);
        double below = 0, belowSum = 0;
        for (var i = 0; i < 255; i++)
        {
            below += histogram[i];
            belowSum += i * (double)histogram[i];
            if (below == 0 || below == total)
                continue;
            var distance = (belowSum / below) - ((sum - belowSum) / (total - below));
            var spread = below * (total - below) * distance * distance;
            if (spread > bestSpread)
                (best, bestSpread) = (i, spread);
        }

        return best;
    }
}
