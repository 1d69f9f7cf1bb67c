using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>Sums of bins under way.</summary>
internal sealed class BinAveragesRun : ReductionRun
{
    private readonly Bins bins;
    private readonly Tensor sums;
    private readonly Tensor counts;

    public BinAveragesRun(ReductionShape shape, Bins bins)
    {
        this.bins = bins;
        sums = SmallTensors.Zeros(shape, shape.Channels[0], bins.Count);
        counts = tensor([.. bins.All().Select(bin => (double)bin.Area.Positions)], device: shape.Device).DetachFromDisposeScope();
    }

    public override IEnumerable<Tensor> Held => [sums, counts];

    public override void Add(IReadOnlyList<Tensor> rectangles, long top, long left)
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var rectangle = rectangles[0];
        foreach (var (bin, area) in bins.In(new(top, left, rectangle.shape[2], rectangle.shape[3])))
        {
            var piece = area.Within(top, left).View(rectangle);
            var sum = sums.select(2, bin);
            foreach (var block in RectangleBlock.Of(piece))
            {
                using var passing = NewDisposeScope();
                sum.Accumulate(block.Values(piece).OverPositions());
            }
        }
    }

    public override IReadOnlyList<Tensor> Parts() => [sums];

    public override void Merge(IReadOnlyList<Tensor> parts)
    {
        using var unrecorded = no_grad();
        sums.Accumulate(parts[0]);
    }

    public override IReadOnlyList<Tensor> Finish()
    {
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        return [sums.div(counts).view(sums.shape[0], sums.shape[1], bins.Grid.Rows, bins.Grid.Columns).MoveToOuterDisposeScope()];
    }

    public override IReadOnlyList<Tensor?> Gradient(
        IReadOnlyList<Tensor> rectangles, long top, long left, IReadOnlyList<Tensor?> gradients, IReadOnlyList<bool> wanted)
    {
        if (!wanted[0])
            return [null];
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var rectangle = rectangles[0];
        var found = SmallTensors.WideZerosOf(rectangle);
        if (gradients[0] is { } given)
        {
            var slopes = given.flatten(2).div(counts);
            foreach (var (bin, area) in bins.In(new(top, left, rectangle.shape[2], rectangle.shape[3])))
            {
                using var passing = NewDisposeScope();
                area.Within(top, left).View(found).Accumulate(slopes.select(2, bin).At(rectangle));
            }
        }

        return [found.to(rectangle.dtype).MoveToOuterDisposeScope()];
    }

    public override void Dispose()
    {
        sums.Dispose();
        counts.Dispose();
    }
}
