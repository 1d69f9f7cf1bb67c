using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>
/// The sum of a map, and of the weights that its positions count with. One over the other is the mean; with a mask of zeros and ones for
/// weights, that of the positions where it is one.
/// </summary>
/// <param name="weighted">Whether a map of weights comes as the second operand, with one channel or as many as the first.</param>
/// <remarks>
/// Results: the sum of w x [N, C], and the sum of w, [N, 1] or [N, C] as the weights have channels. Without weights each position's is 1.
/// </remarks>
public sealed class SumReduction(bool weighted = false) : MapReduction
{
    /// <inheritdoc/>
    public override int Operands => weighted ? 2 : 1;

    /// <inheritdoc/>
    public override int Results => 2;

    /// <inheritdoc/>
    public override IReadOnlyList<int> Selectors => weighted ? [1] : [];

    /// <inheritdoc/>
    public override double? Neutral => weighted ? null : 0;

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<long> channels) => OperandChannels.Check(Name, channels, Operands);

    /// <inheritdoc/>
    public override ReductionRun Start(ReductionShape shape) => new SumRun(shape, weighted);

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps)
    {
        var values = maps[0];
        if (weighted)
            return [values.mul(maps[1]).sum([2, 3]), maps[1].sum([2, 3])];
        var positions = (double)(values.shape[2] * values.shape[3]);
        return [values.sum([2, 3]), tensor(positions, values.dtype, values.device).expand(values.shape[0], 1)];
    }
}

internal sealed class SumRun : ReductionRun
{
    private readonly bool isWeighted;
    private readonly Tensor sum;
    private readonly Tensor weight;

    public SumRun(ReductionShape shape, bool isWeighted)
    {
        this.isWeighted = isWeighted;
        sum = SmallTensors.Zeros(shape, shape.Channels[0]);
        weight = SmallTensors.Zeros(shape, isWeighted ? shape.Channels[1] : 1);
        // Of the whole map, also where positions that add nothing never come.
        if (!isWeighted)
            weight.Accumulate(shape.Height * shape.Width);
    }

    public override IEnumerable<Tensor> Held => [sum, weight];

    public override void Add(IReadOnlyList<Tensor> rectangles, long top, long left)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        foreach (var block in RectangleBlock.Of(rectangles[0]))
        {
            using var passing = NewDisposeScope();
            var values = block.Values(rectangles[0]);
            if (isWeighted)
            {
                var weights = block.Values(rectangles[1]);
                sum.Accumulate(values.mul(weights).OverPositions());
                weight.Accumulate(weights.OverPositions());
            }
            else
            {
                sum.Accumulate(values.OverPositions());
            }
        }
    }

    public override IReadOnlyList<Tensor> Parts() => isWeighted ? [sum, weight] : [sum];

    public override void Merge(IReadOnlyList<Tensor> parts)
    {
        using var unrecorded = no_grad();
        sum.Accumulate(parts[0]);
        if (isWeighted)
            weight.Accumulate(parts[1]);
    }

    public override IReadOnlyList<Tensor> Finish() => [sum.clone(), weight.clone()];

    public override IReadOnlyList<Tensor?> Gradient(
        IReadOnlyList<Tensor> rectangles, long top, long left, IReadOnlyList<Tensor?> gradients, IReadOnlyList<bool> wanted)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var found = SmallTensors.GradientsOf(rectangles, wanted);
        var slope = (gradients[0] ?? zeros_like(sum)).At(rectangles[0]);
        foreach (var block in RectangleBlock.Of(rectangles[0]))
        {
            using var passing = NewDisposeScope();
            if (found[0] is { } ofValues)
                block.View(ofValues).copy_(isWeighted ? block.Values(rectangles[1]).mul(slope) : slope);
            if (isWeighted && found[1] is { } ofWeights)
            {
                var gradient = block.Values(rectangles[0]).mul(slope).ForChannels(ofWeights.shape[1]);
                block.View(ofWeights).copy_(gradients[1] is { } ofWeight ? gradient.Plus(ofWeight.At(gradient)) : gradient);
            }
        }

        return found.Kept();
    }

    public override void Dispose()
    {
        sum.Dispose();
        weight.Dispose();
    }
}
