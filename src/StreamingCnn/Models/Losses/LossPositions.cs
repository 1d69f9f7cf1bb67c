using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Models;

/// <summary>
/// Output and target at some positions. Where a position does not count, both are 0, and so is its weight: whatever stood there is in no
/// sum, and in no gradient.
/// </summary>
/// <param name="Output">[N, C, h, w].</param>
/// <param name="Target">[N, 1, h, w] of classes, or [N, C, h, w].</param>
/// <param name="Weight">What they count with, [N, 1, h, w] or [N, C, h, w]; null where it is 1 everywhere.</param>
internal readonly record struct LossPositions(Tensor Output, Tensor Target, Tensor? Weight)
{
    /// <summary>The target's classes.</summary>
    public Tensor Classes => Target.to(ScalarType.Int64);

    /// <summary>Where each of the output's channels is the target's class.</summary>
    public Tensor IsClass =>
        KeptScalars.Range(0, Output.shape[1], ScalarType.Int64, Output.device).reshape(1, -1, 1, 1).eq(Classes);

    /// <summary>What positions add.</summary>
    /// <param name="terms">What they would add with weight 1.</param>
    public Tensor Counted(Tensor terms) => Weight is null ? terms : terms.mul(Weight);

    /// <summary>What positions count with.</summary>
    /// <param name="terms">What they are the weights of.</param>
    public Tensor WeightOf(Tensor terms) => (Weight ?? ones([1, 1, 1, 1], terms.dtype, terms.device)).expand_as(terms);

    /// <summary>A number for each channel, as one for each position of the target.</summary>
    /// <param name="ofClasses">The numbers, by classes.</param>
    public Tensor OfClass(double[] ofClasses)
    {
        var classes = Classes;
        return tensor(ofClasses, Output.dtype, Output.device).index_select(0, classes.flatten()).reshape(classes.shape);
    }
}
