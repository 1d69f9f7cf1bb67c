using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>
/// Sums of exponentials under way, and of values weighted with them. All are of what the scores lie below the largest one so far, and are
/// rescaled when a larger one comes.
/// </summary>
internal sealed class SoftmaxRun : ReductionRun
{
    private readonly bool hasValues;
    private readonly Tensor largest;
    private readonly Tensor sum;
    private readonly Tensor weighted;

    public SoftmaxRun(ReductionShape shape, bool hasValues)
    {
        this.hasValues = hasValues;
        var channels = shape.Channels.Skip(hasValues ? 1 : 0).Max();
        largest = SmallTensors.Zeros(shape, channels).fill_(SmallTensors.Least);
        sum = SmallTensors.Zeros(shape, channels);
        weighted = SmallTensors.Zeros(shape, hasValues ? shape.Channels[0] : channels);
    }

    public override IEnumerable<Tensor> Held => [largest, sum, weighted];

    public override void Add(IReadOnlyList<Tensor> rectangles, long top, long left)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        List<Tensor> allLargest = [largest], sums = [sum], allWeighted = [weighted];
        foreach (var block in RectangleBlock.Of(rectangles[0]))
        {
            using var passing = NewDisposeScope();
            var (values, scores) = Operands(block, rectangles);
            var blockLargest = scores.amax([2, 3]);
            var exponentials = scores.sub(Origin(blockLargest).unsqueeze(2).unsqueeze(3)).exp_();
            allLargest.Add(blockLargest.to(ScalarType.Float64).MoveToOuterDisposeScope());
            sums.Add(exponentials.OverPositions().MoveToOuterDisposeScope());
            if (values is not null)
                allWeighted.Add(values.mul(exponentials).OverPositions().MoveToOuterDisposeScope());
        }

        Merge(stack(allLargest), stack(sums), hasValues ? stack(allWeighted) : null);
    }

    public override IReadOnlyList<Tensor> Parts() => hasValues ? [largest, sum, weighted] : [largest, sum];

    public override void Merge(IReadOnlyList<Tensor> parts)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        Merge(stack([largest, parts[0]]), stack([sum, parts[1]]), hasValues ? stack([weighted, parts[2]]) : null);
    }

    public override IReadOnlyList<Tensor> Finish()
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var logarithm = sum.log().Plus(largest).MoveToOuterDisposeScope();
        return hasValues ? [weighted.OverOrZero(sum).MoveToOuterDisposeScope(), logarithm] : [logarithm];
    }

    public override IReadOnlyList<Tensor?> Gradient(
        IReadOnlyList<Tensor> rectangles, long top, long left, IReadOnlyList<Tensor?> gradients, IReadOnlyList<bool> wanted)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var found = SmallTensors.GradientsOf(rectangles, wanted);
        var scoreMap = hasValues ? 1 : 0;
        // A mask chooses, and has no slope.
        if (rectangles.Count > scoreMap + 1)
            found[scoreMap + 1]?.zero_();

        var first = rectangles[0];
        var (origin, share) = (Origin(largest).At(first), ones_like(sum).OverOrZero(sum).At(first));
        var ofMean = (hasValues && gradients[0] is { } given ? given : zeros_like(weighted)).At(first);
        var ofLogarithm = (gradients[^1] ?? zeros_like(sum)).At(first);
        var mean = weighted.OverOrZero(sum).At(first);
        foreach (var block in RectangleBlock.Of(first))
        {
            using var passing = NewDisposeScope();
            var (values, scores) = Operands(block, rectangles);
            var probabilities = scores.sub(origin).exp_().mul_(share);
            if (hasValues && found[0] is { } ofValues)
                block.View(ofValues).copy_(probabilities.mul(ofMean));
            if (found[scoreMap] is not { } ofScores)
                continue;
            var slope = values is null
                ? ofLogarithm
                : values.sub(mean).mul_(ofMean).ForChannels(probabilities.shape[1]).Plus(ofLogarithm);
            block.View(ofScores).copy_(probabilities.mul_(slope).ForChannels(ofScores.shape[1]));
        }

        return found.Kept();
    }

    public override void Dispose()
    {
        largest.Dispose();
        sum.Dispose();
        weighted.Dispose();
    }

    /// <summary>Merges parts, [parts, N, C] each, the first of which are those so far.</summary>
    private void Merge(Tensor allLargest, Tensor sums, Tensor? allWeighted)
    {
        var merged = allLargest.amax([0]);
        // Where nothing counts the largest score is minus infinity, and its exponential 0: such a block does not enter.
        var scale = allLargest.sub(Origin(merged)).exp_();
        largest.copy_(merged);
        sum.copy_(sums.mul(scale).sum(dim: 0));
        if (allWeighted is not null)
            weighted.copy_(allWeighted.mul(scale).sum(dim: 0));
    }

    /// <summary>What exponentials are taken relative to; anything will do where there are none.</summary>
    private static Tensor Origin(Tensor largest) => largest.masked_fill(largest.isneginf(), SmallTensors.Zero);

    /// <summary>A block of the values, which are 0 where the mask is, and of the scores, which are minus infinity there.</summary>
    private (Tensor? Values, Tensor Scores) Operands(in RectangleBlock block, IReadOnlyList<Tensor> rectangles)
    {
        var values = hasValues ? block.Values(rectangles[0]) : null;
        var scores = block.Values(rectangles[hasValues ? 1 : 0]);
        if (rectangles.Count == (hasValues ? 2 : 1))
            return (values, scores);
        var removed = block.View(rectangles[^1]).logical_not();
        return (values?.masked_fill(removed, SmallTensors.Zero), scores.masked_fill(removed, SmallTensors.Least));
    }
}
