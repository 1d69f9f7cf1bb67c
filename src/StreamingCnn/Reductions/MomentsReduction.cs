using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>
/// Mean and variance of a map: what norms are made of. Merged by the formula of Chan, Golub and LeVeque from squares of differences, since
/// sums of squares lose what is small beside the mean.
/// </summary>
/// <param name="weighted">
/// Whether a map of weights comes as the second operand, none below 0, with one channel or as many as the first.
/// </param>
/// <remarks>
/// Results: the mean [N, C]; M2 [N, C], the sum of w (x - mean)^2, whose quotient by the count is the variance; the count, which is the sum
/// of w, [N, 1] or [N, C] as the weights have channels. Where nothing counts, all three are 0, and so are their gradients.
/// </remarks>
public sealed class MomentsReduction(bool weighted = false) : MapReduction
{
    /// <inheritdoc/>
    public override int Operands => weighted ? 2 : 1;

    /// <inheritdoc/>
    public override int Results => 3;

    /// <inheritdoc/>
    public override IReadOnlyList<int> Selectors => weighted ? [1] : [];

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<long> channels) => OperandChannels.Check(Name, channels, Operands);

    /// <inheritdoc/>
    public override ReductionRun Start(ReductionShape shape) => new MomentsRun(shape, weighted);

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps)
    {
        var values = maps[0];
        var weights = weighted ? maps[1] : ones([values.shape[0], 1, values.shape[2], values.shape[3]], values.dtype, values.device);
        var count = weights.sum([2, 3]);
        var mean = values.mul(weights).sum([2, 3]).OverOrZero(count);
        var difference = values.sub(mean.unsqueeze(2).unsqueeze(3));
        var squares = difference.Squared().mul(weights).sum([2, 3]);
        return [mean, squares.masked_fill(count.logical_not(), SmallTensors.Zero), count];
    }
}
