using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>Tensors with a value for each image and channel, [N, C] in float64, and the way to them and from them.</summary>
internal static class SmallTensors
{
    private static readonly long[] Positions = [2, 3];

    /// <summary>Zeros that outlive the scope at hand, [N, channels].</summary>
    public static Tensor Zeros(ReductionShape shape, params ReadOnlySpan<long> channels) =>
        zeros([shape.Batch, .. channels], ScalarType.Float64, shape.Device).DetachFromDisposeScope();

    /// <summary>The sum over a block's positions.</summary>
    public static Tensor OverPositions(this Tensor block) => block.sum(Positions).to(ScalarType.Float64);

    /// <summary>
    /// The small tensor as one that is applied at positions: [N, C, 1, 1], in the type in which a rectangle is computed with.
    /// </summary>
    public static Tensor At(this Tensor small, Tensor rectangle) =>
        small.to(rectangle.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32).unsqueeze(2).unsqueeze(3);

    /// <summary>A quotient that is 0 where its divisor is.</summary>
    public static Tensor OverOrZero(this Tensor value, Tensor divisor)
    {
        var isZero = divisor.logical_not();
        return value.div(divisor.masked_fill(isZero, One)).masked_fill(isZero, Zero);
    }

    /// <summary>The number 0, alive for as long as the library is.</summary>
    public static readonly Scalar Zero = 0;

    /// <summary>The number 1.</summary>
    public static readonly Scalar One = 1;

    /// <summary>Minus infinity: below all values.</summary>
    public static readonly Scalar Least = double.NegativeInfinity;

    /// <summary>
    /// What a weight map's gradient is, when each of the first map's channels has one: their sum, where the weights have one channel.
    /// </summary>
    public static Tensor ForChannels(this Tensor gradient, long channels) =>
        channels == gradient.shape[1] ? gradient : gradient.sum(1, keepdim: true);

    /// <summary>Memory for a rectangle's gradient, laid out as the rectangle is.</summary>
    public static Tensor GradientOf(Tensor rectangle) => rectangle.Format().Empty(rectangle.shape, rectangle.dtype, rectangle.device);

    /// <summary>Memory for the gradients that are wanted.</summary>
    public static Tensor?[] GradientsOf(IReadOnlyList<Tensor> rectangles, IReadOnlyList<bool> wanted) =>
        [.. rectangles.Select((rectangle, operand) => wanted[operand] ? GradientOf(rectangle) : null)];

    /// <summary>Zeros to which a rectangle's gradient is added up, in the type in which is computed with the rectangle.</summary>
    public static Tensor WideZerosOf(Tensor rectangle)
    {
        var type = rectangle.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        return rectangle.Format().Zeros(rectangle.shape, type, rectangle.device);
    }

    /// <summary>The same gradients, which outlive the scope at hand.</summary>
    public static Tensor?[] Kept(this Tensor?[] gradients) => Array.ConvertAll(gradients, gradient => gradient?.MoveToOuterDisposeScope());
}
