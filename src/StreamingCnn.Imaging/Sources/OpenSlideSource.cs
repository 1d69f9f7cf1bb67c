using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>One level of a slide, read through OpenSlide; transparent pixels become white.</summary>
/// <remarks>
/// OpenSlide takes positions in level 0 and interpolates where those do not fall on a pixel of the level, so one pixel could differ between
/// two windows. Therefore whole blocks of a fixed grid are read and windows are cut out of them; the last blocks read are kept.
/// </remarks>
internal sealed class OpenSlideSource : IImageSource
{
    private const int Block = 512;

    private readonly OpenSlideHandle slide;
    private readonly int level;
    private readonly double downsample;
    private readonly BoundedCache<(long Row, long Column), byte[]> blocks;

    public OpenSlideSource(ImageInfo info, int level, int channels)
    {
        this.level = level;
        Channels = channels;
        (Height, Width, downsample) = (info.Levels[level].Height, info.Levels[level].Width, info.Levels[level].Downsample);
        slide = OpenSlideHandle.Open(info.Path);
        // 64 MB of blocks: two rows of them in a window of 8192 columns.
        blocks = new BoundedCache<(long Row, long Column), byte[]>(64 << 20, block => block.Length);
    }

    public int Channels { get; }

    public long Height { get; }

    public long Width { get; }

    public Tensor Read(long top, long left, long height, long width)
    {
        new ImageRegion(top, left, height, width).CheckInside(Height, Width);
        using var scope = NewDisposeScope();
        var packed = empty([Channels, height, width], ScalarType.Byte);
        var target = packed.bytes;
        for (var row = top / Block; row * Block < top + height; row++)
        {
            for (var column = left / Block; column * Block < left + width; column++)
                Copy(blocks.Get((row, column), Load), row * Block, column * Block, new ImageRegion(top, left, height, width), target);
        }

        return packed.unsqueeze(0).MoveToOuterDisposeScope();
    }

    public void Dispose() => slide.Dispose();

    private void Copy(byte[] block, long blockTop, long blockLeft, ImageRegion window, Span<byte> target)
    {
        var (y0, y1) = (Math.Max(window.Top, blockTop), Math.Min(window.Top + window.Height, blockTop + Block));
        var (x0, x1) = (Math.Max(window.Left, blockLeft), Math.Min(window.Left + window.Width, blockLeft + Block));
        var blockWidth = (int)Math.Min(Block, Width - blockLeft);
        var plane = block.Length / Channels;
        for (var channel = 0; channel < Channels; channel++)
        {
            for (var y = y0; y < y1; y++)
            {
                var from = (channel * plane) + ((y - blockTop) * blockWidth) + (x0 - blockLeft);
                var to = (((channel * window.Height) + (y - window.Top)) * window.Width) + (x0 - window.Left);
                block.AsSpan((int)from, (int)(x1 - x0)).CopyTo(target.Slice((int)to, (int)(x1 - x0)));
            }
        }
    }

    private unsafe byte[] Load((long Row, long Column) at)
    {
        var height = (int)Math.Min(Block, Height - (at.Row * Block));
        var width = (int)Math.Min(Block, Width - (at.Column * Block));
        var pixels = new uint[height * width];
        fixed (uint* start = pixels)
        {
            OpenSlideNative.openslide_read_region(
                slide.Slide,
                start,
                (long)Math.Round(at.Column * Block * downsample),
                (long)Math.Round(at.Row * Block * downsample),
                level,
                width,
                height);
        }

        slide.ThrowOnError();
        var planar = new byte[Channels * pixels.Length];
        for (var i = 0; i < pixels.Length; i++)
        {
            // Premultiplied ARGB over white: colour + (255 - alpha).
            var white = 255 - (pixels[i] >> 24);
            var (red, green, blue) = (((pixels[i] >> 16) & 255) + white, ((pixels[i] >> 8) & 255) + white, (pixels[i] & 255) + white);
            if (Channels == 1)
            {
                planar[i] = (byte)Math.Round((0.299 * red) + (0.587 * green) + (0.114 * blue));
                continue;
            }

            planar[i] = (byte)red;
            planar[pixels.Length + i] = (byte)green;
            planar[(2 * pixels.Length) + i] = (byte)blue;
        }

        return planar;
    }
}
