using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>
/// Moments under way. Of each block the mean, and then the squares of what differs from it: the second reading finds it in the cache.
/// </summary>
internal sealed class MomentsRun : ReductionRun
{
    private readonly bool isWeighted;
    private readonly Tensor mean;
    private readonly Tensor squares;
    private readonly Tensor count;

    public MomentsRun(ReductionShape shape, bool isWeighted)
    {
        this.isWeighted = isWeighted;
        mean = SmallTensors.Zeros(shape, shape.Channels[0]);
        squares = SmallTensors.Zeros(shape, shape.Channels[0]);
        count = SmallTensors.Zeros(shape, isWeighted ? shape.Channels[1] : 1);
    }

    public override IEnumerable<Tensor> Held => [mean, squares, count];

    public override void Add(IReadOnlyList<Tensor> rectangles, long top, long left)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        if (!isWeighted && MomentsKernel.Reads(rectangles[0]))
        {
            var (bandMeans, bandSquares, bandCounts) = MomentsKernel.Moments(rectangles[0]);
            Merge(
                cat([mean.unsqueeze(0), bandMeans]), cat([squares.unsqueeze(0), bandSquares]), cat([count.unsqueeze(0), bandCounts]));
            return;
        }

        List<Tensor> means = [mean], allSquares = [squares], counts = [count];
        foreach (var block in RectangleBlock.Of(rectangles[0]))
        {
            var (blockMean, blockSquares, blockCount) = isWeighted ? Weighted(block, rectangles) : Moments(block, rectangles[0]);
            means.Add(blockMean);
            allSquares.Add(blockSquares);
            counts.Add(blockCount);
        }

        Merge(stack(means), stack(allSquares), stack(counts));
    }

    public override IReadOnlyList<Tensor> Parts() => [mean, squares, count];

    public override void Merge(IReadOnlyList<Tensor> parts)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        Merge(stack([mean, parts[0]]), stack([squares, parts[1]]), stack([count, parts[2]]));
    }

    public override IReadOnlyList<Tensor> Finish() => [mean.clone(), squares.clone(), count.clone()];

    public override IReadOnlyList<Tensor?> Gradient(
        IReadOnlyList<Tensor> rectangles, long top, long left, IReadOnlyList<Tensor?> gradients, IReadOnlyList<bool> wanted)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var found = SmallTensors.GradientsOf(rectangles, wanted);
        var values = rectangles[0];

        // The slope is that of a line through the mean as the rectangle's type can hold it: x minus that is exact where it is small.
        var centre = mean.At(values);
        var rest = mean.sub(centre.to(ScalarType.Float64).squeeze(3).squeeze(2));
        var ofSquares = gradients[1] is { } given ? given.masked_fill(count.logical_not(), SmallTensors.Zero) : zeros_like(mean);
        var steepness = ofSquares.Times(2.0);
        var level = (gradients[0] ?? zeros_like(mean)).OverOrZero(count);
        var (steep, flat) = (steepness.At(values), level.sub(steepness.mul(rest)).At(values));
        var (curve, line) = (ofSquares.At(values), level.At(values));
        if (!isWeighted && found[0] is { } unweighted && MomentsKernel.Reads(values))
        {
            MomentsKernel.Line(values, unweighted, centre, flat, steep);
            return found.Kept();
        }

        foreach (var block in RectangleBlock.Of(values))
        {
            using var passing = NewDisposeScope();
            var difference = block.Values(values).sub(centre);
            if (found[0] is { } ofValues)
            {
                var gradient = addcmul(flat, difference, steep, SmallTensors.One);
                block.View(ofValues).copy_(isWeighted ? gradient.mul_(block.Values(rectangles[1])) : gradient);
            }

            if (isWeighted && found[1] is { } ofWeights)
            {
                var gradient = addcmul(line, difference, curve, SmallTensors.One).mul_(difference).ForChannels(ofWeights.shape[1]);
                block.View(ofWeights).copy_(gradients[2] is { } ofCount ? gradient.Plus(ofCount.At(gradient)) : gradient);
            }
        }

        return found.Kept();
    }

    public override void Dispose()
    {
        mean.Dispose();
        squares.Dispose();
        count.Dispose();
    }

    private static (Tensor Mean, Tensor Squares, Tensor Count) Moments(in RectangleBlock block, Tensor rectangle)
    {
        using var passing = NewDisposeScope();
        var values = block.Values(rectangle);
        // The mean of an eighth of all values is not more than sqrt(7) deviations away from that of all, so that the squares lose three
        // bits to it at most.
        var centre = values.narrow(3, 0, (block.Width + 7) / 8).mean([2, 3], keepdim: true);
        var difference = values.sub(centre);
        var sum = difference.OverPositions();
        var squares = difference.mul_(difference).OverPositions();
        var count = tensor((double)block.Positions, ScalarType.Float64, values.device).expand(values.shape[0], 1);
        return Moments(centre, sum, squares, count);
    }

    private static (Tensor Mean, Tensor Squares, Tensor Count) Weighted(in RectangleBlock block, IReadOnlyList<Tensor> rectangles)
    {
        using var passing = NewDisposeScope();
        var (values, weights) = (block.Values(rectangles[0]), block.Values(rectangles[1]));
        var count = weights.OverPositions();
        var centre = values.mul(weights).OverPositions().OverOrZero(count).At(values);
        var difference = values.sub(centre);
        var weighted = difference.mul(weights);
        var sum = weighted.OverPositions();
        var squares = weighted.mul_(difference).OverPositions();
        return Moments(centre, sum, squares, count);
    }

    /// <summary>The moments of a block, from those of what is left over when about the mean has been taken off.</summary>
    private static (Tensor Mean, Tensor Squares, Tensor Count) Moments(Tensor centre, Tensor sum, Tensor squares, Tensor count)
    {
        var rest = sum.OverOrZero(count);
        return (
            centre.squeeze(3).squeeze(2).to(ScalarType.Float64).Plus(rest).MoveToOuterDisposeScope(),
            squares.sub(sum.mul_(rest)).clamp_min_(SmallTensors.Zero).MoveToOuterDisposeScope(),
            count.MoveToOuterDisposeScope());
    }

    /// <summary>Merges moments of parts, [parts, N, C] each, the first of which are those so far.</summary>
    private void Merge(Tensor means, Tensor allSquares, Tensor counts)
    {
        var total = counts.sum(dim: 0);
        // The first part's mean serves as the origin: small differences stay exact.
        var origin = means[1];
        var merged = means.sub(origin).mul(counts).sum(dim: 0).OverOrZero(total).Plus(origin);
        var between = means.sub(merged).Squared().mul_(counts).sum(dim: 0);
        squares.copy_(allSquares.sum(dim: 0).Plus(between));
        mean.copy_(merged.masked_fill(total.logical_not(), SmallTensors.Zero));
        count.copy_(total);
    }
}
