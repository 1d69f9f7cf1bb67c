using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Heads;

/// <summary>Zeros where a foreground is not 0, and a value that does not count elsewhere, before anything is known of the pixels.</summary>
/// <param name="foreground">The foreground, of one channel; stays the caller's.</param>
/// <param name="channels">Channels of what is true of the pixels.</param>
/// <param name="elsewhere">What does not count.</param>
internal sealed class TruthOfForeground(IImageSource foreground, int channels, double elsewhere) : IImageSource
{
    public int Channels => channels;

    public long Height => foreground.Height;

    public long Width => foreground.Width;

    public Tensor Read(long top, long left, long height, long width)
    {
        using var scope = NewDisposeScope();
        using Scalar value = elsewhere;
        var isElsewhere = foreground.Read(top, left, height, width).to(ScalarType.Bool).logical_not();
        return zeros([1, channels, height, width], ScalarType.Float32, CPU).masked_fill(isElsewhere, value).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
    }
}
