using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>The gradient of a rectangle of a map, as it comes in piece by piece from the layers that read it.</summary>
/// <param name="region">The rectangle.</param>
/// <param name="shape">Shape of its tensor, [N, C, h, w].</param>
/// <param name="format">Format of its tensor.</param>
internal sealed class GradientWindow(Region region, long[] shape, MapFormat format) : IDisposable
{
    private Tensor? sum;
    private bool isExclusive;

    public Region Region { get; } = region;

    /// <summary>The sum so far, or null when nothing has come. It stays this object's.</summary>
    public Tensor? Sum => sum;

    /// <summary>Whether nothing else refers to the sum's memory.</summary>
    public bool IsExclusive => isExclusive;

    /// <summary>Adds the gradient of a part of the rectangle. Takes a whole one over when it is the first, and disposes it otherwise.</summary>
    public void Add(Region part, LayerGradient gradient)
    {
        if (sum is null && part == Region)
        {
            sum = gradient.Tensor.DetachFromDisposeScope();
            isExclusive = gradient.IsExclusive;
            return;
        }

        // The incoming one may be ours to write to where the sum is not: that spares a copy.
        if (sum is not null && !isExclusive && gradient.IsExclusive && part == Region)
        {
            gradient.Tensor.Accumulate(sum);
            sum.Dispose();
            sum = gradient.Tensor.DetachFromDisposeScope();
            isExclusive = true;
            return;
        }

        Own(gradient.Tensor);
        using (var target = sum!.Part(Region, part))
            target.Accumulate(gradient.Tensor);
        gradient.Tensor.Dispose();
    }

    /// <summary>The sum of a part, for reading and adding to; zeros at first.</summary>
    /// <param name="part">The part.</param>
    /// <param name="like">A tensor of the gradient's type and device.</param>
    public Tensor Part(Region part, Tensor like)
    {
        Own(like);
        return sum!.Part(Region, part);
    }

    public void Dispose() => sum?.Dispose();

    /// <summary>Sees to it that the sum is there and that nothing else refers to its memory.</summary>
    private void Own(Tensor like)
    {
        if (sum is null)
        {
            sum = format.Zeros(shape, like.dtype, like.device).DetachFromDisposeScope();
        }
        else if (!isExclusive)
        {
            var shared = sum;
            sum = shared.clone().DetachFromDisposeScope();
            shared.Dispose();
        }

        isExclusive = true;
    }
}
