using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>
/// The mean of a map, weighted by the softmax over all positions of another one: attention pooling.
/// </summary>
/// <param name="masked">Whether a mask comes as the third operand: positions where it is 0 are left out. It gets no gradient.</param>
/// <remarks>
/// <para>Operands: the values [N, C, H, W]; the scores and the mask, each with one channel or with C.</para>
/// <para>
/// Results: the weighted mean [N, C]; the logarithm of the sum of all exponentials, [N, 1] or [N, C]. Where a mask or scores of minus
/// infinity leave no position, they are 0 and minus infinity, and all gradients are 0.
/// </para>
/// </remarks>
public sealed class SoftmaxSumReduction(bool masked = false) : MapReduction
{
    /// <inheritdoc/>
    public override int Operands => masked ? 3 : 2;

    /// <inheritdoc/>
    public override int Results => 2;

    /// <inheritdoc/>
    public override IReadOnlyList<int> Selectors => masked ? [2] : [];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<long> channels) => OperandChannels.Check(Name, channels, Operands);

    /// <inheritdoc/>
    public override ReductionRun Start(ReductionShape shape) => new SoftmaxRun(shape, hasValues: true);

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps)
    {
        var removed = masked ? maps[2].logical_not() : null;
        var (exponentials, sum, logarithm) = LogSumExpReduction.Exponentials(maps[1], removed);
        var values = removed is null ? maps[0] : maps[0].masked_fill(removed, SmallTensors.Zero);
        return [values.mul(exponentials).sum([2, 3]).OverOrZero(sum), logarithm];
    }
}
