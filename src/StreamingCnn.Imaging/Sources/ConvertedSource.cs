using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Grey as colour, each value three times, or colour as grey.</summary>
/// <param name="source">An image of 1 or 3 channels, which belongs to this one.</param>
/// <param name="channels">3 or 1.</param>
internal sealed class ConvertedSource(IImageSource source, int channels) : IImageSource
{
    // ITU-R 601, as for all other formats.
    private static readonly double[] Luminance = [0.299, 0.587, 0.114];

    public int Channels => channels;

    public long Height => source.Height;

    public long Width => source.Width;

    public Tensor Read(long top, long left, long height, long width)
    {
        using var scope = NewDisposeScope();
        var window = source.Read(top, left, height, width);
        if (channels == 3)
            return window.expand(1, 3, height, width).contiguous().MoveToOuterDisposeScope();
        var weights = tensor(Luminance, [1, 3, 1, 1], ScalarType.Float64);
        var grey = (window.to(ScalarType.Float64) * weights).sum(1, keepdim: true);
        return (window.dtype == ScalarType.Byte ? grey.round() : grey).to(window.dtype).MoveToOuterDisposeScope();
    }

    public void Dispose() => source.Dispose();
}
