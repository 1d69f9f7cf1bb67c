using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Masks;

/// <summary>Numbers as float32, with NaN where they have one of the values that mean that there is none.</summary>
/// <param name="inner">The source; owned from then on.</param>
/// <param name="missing">The values.</param>
internal sealed class MissingNumbersSource(IImageSource inner, IReadOnlyList<MissingPixels> missing) : IImageSource
{
    public int Channels => inner.Channels;

    public long Height => inner.Height;

    public long Width => inner.Width;

    public Tensor Read(long top, long left, long height, long width)
    {
        using var scope = NewDisposeScope();
        var numbers = FloatPixels.Of(inner.Read(top, left, height, width));
        foreach (var value in missing)
            value.Mark(numbers, Channels);
        return numbers.Window.MoveToOuterDisposeScope();
    }

    public void Dispose() => inner.Dispose();
}
