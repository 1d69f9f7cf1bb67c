using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>The logarithm of the sum of a map's exponentials, a smooth largest value. It does not overflow.</summary>
/// <param name="masked">
/// Whether a mask comes as the second operand, with one channel or as many as the first: positions where it is 0 are left out. It gets no
/// gradient.
/// </param>
/// <remarks>Result: [N, C]. Where no position is left it is minus infinity, and its gradient is 0.</remarks>
public sealed class LogSumExpReduction(bool masked = false) : MapReduction
{
    /// <inheritdoc/>
    public override int Operands => masked ? 2 : 1;

    /// <inheritdoc/>
    public override int Results => 1;

    /// <inheritdoc/>
    public override IReadOnlyList<int> Selectors => masked ? [1] : [];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<long> channels) => OperandChannels.Check(Name, channels, Operands);

    /// <inheritdoc/>
    public override ReductionRun Start(ReductionShape shape) => new SoftmaxRun(shape, hasValues: false);

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps) =>
        [Exponentials(maps[0], masked ? maps[1].logical_not() : null).Logarithm];

    /// <summary>Of a whole map of scores the exponentials of what they lie below the largest, their sum, and its logarithm.</summary>
    /// <param name="scores">The scores.</param>
    /// <param name="removed">Where positions are left out; null for nowhere.</param>
    internal static (Tensor Exponentials, Tensor Sum, Tensor Logarithm) Exponentials(Tensor scores, Tensor? removed)
    {
        var counted = removed is null ? scores : scores.masked_fill(removed, SmallTensors.Least);
        var largest = counted.detach().amax([2, 3]);
        var origin = largest.masked_fill(largest.isneginf(), SmallTensors.Zero);
        var exponentials = counted.sub(origin.unsqueeze(2).unsqueeze(3)).exp();
        var sum = exponentials.sum([2, 3]);
        var isNone = sum.logical_not();
        var logarithm = sum.masked_fill(isNone, SmallTensors.One).log().Plus(origin).masked_fill(isNone, SmallTensors.Least);
        return (exponentials, sum, logarithm);
    }
}
