using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Another source with a number in the place of NaN, which means that there are no data.</summary>
internal sealed class FilledSource : IImageSource
{
    private readonly IImageSource inner;
    private readonly IReadOnlyList<float> fill;

    /// <param name="inner">The source; owned from then on.</param>
    /// <param name="fill">A number for each channel, or one for all.</param>
    /// <exception cref="ArgumentException">There is another number of them.</exception>
    public FilledSource(IImageSource inner, IReadOnlyList<float> fill)
    {
        if (fill.Count != 1 && fill.Count != inner.Channels)
        {
            throw new ArgumentException(
                $"{fill.Count} numbers were given to fill pixels without data in {inner.Channels} channels; give one or {inner.Channels}.",
                nameof(fill));
        }

        (this.inner, this.fill) = (inner, fill);
    }

    public int Channels => inner.Channels;

    public long Height => inner.Height;

    public long Width => inner.Width;

    public Tensor Read(long top, long left, long height, long width)
    {
        using var scope = NewDisposeScope();
        var pixels = FloatPixels.Of(inner.Read(top, left, height, width));
        for (long row = 0; row < Channels * height; row++)
        {
            var number = fill[fill.Count == 1 ? 0 : (int)(row / height)];
            foreach (ref var pixel in pixels[row])
            {
                if (float.IsNaN(pixel))
                    pixel = number;
            }
        }

        return pixels.Window.MoveToOuterDisposeScope();
    }

    public void Dispose() => inner.Dispose();
}
