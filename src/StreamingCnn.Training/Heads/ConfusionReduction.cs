using StreamingCnn.Reductions;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Heads;

/// <summary>
/// How many positions of each class have their highest score for which class. Operands are scores and a map of classes, in which what is
/// below 0 does not count; of equal scores the first class's counts. Results are two numbers for each pair of classes, row by row of the
/// true ones, that are whole in single precision: the rest and the quotient of the count by <see cref="Unit"/>.
/// </summary>
/// <param name="classes">How many classes there are.</param>
internal sealed class ConfusionReduction(int classes) : MapReduction
{
    /// <summary>What counts are divided by.</summary>
    public const long Unit = 1 << 20;

    /// <inheritdoc/>
    public override int Operands => 2;

    /// <inheritdoc/>
    public override int Results => 2;

    /// <summary>The counts that results stand for.</summary>
    public static IReadOnlyList<double> Counts(Tensor rest, Tensor quotient)
    {
        using var scope = NewDisposeScope();
        return Numbers(rest).Zip(Numbers(quotient), (low, high) => low + (high * Unit)).ToArray();

        static double[] Numbers(Tensor values) => values.detach().to(ScalarType.Float64).cpu().flatten().data<double>().ToArray();
    }

    /// <inheritdoc/>
    public override IReadOnlyList<int> Selectors => [1];

    /// <inheritdoc/>
    public override Tensor Selected(IReadOnlyList<Tensor> selectors)
    {
        using Scalar none = 0L;
        return selectors[0].ge(none);
    }

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<long> channels)
    {
        if (channels[0] != classes)
            throw new ArgumentException(
                $"counts {classes} classes, but the network scores {channels[0]}; give it as many outputs as there are classes");
        if (channels[1] != 1)
            throw new ArgumentException($"takes a map of classes of 1 channel, but it has {channels[1]}");
    }

    /// <inheritdoc/>
    public override ReductionRun Start(ReductionShape shape) => new ConfusionRun(shape.Batch, classes);

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps)
    {
        using var run = new ConfusionRun(maps[0].shape[0], classes);
        run.Add([maps[0].detach(), maps[1].detach()], 0, 0);
        return [.. run.Finish().Select(result => result.to(maps[0].dtype, maps[0].device))];
    }
}

/// <summary>Counts under way.</summary>
/// <param name="batch">Images.</param>
/// <param name="classes">Classes.</param>
internal sealed class ConfusionRun(long batch, int classes) : ReductionRun
{
    // Positions that are looked at together, so that indices stay small beside the maps.
    private const long Block = 1 << 16;

    private readonly long[] counts = new long[batch * classes * classes];

    /// <inheritdoc/>
    public override void Add(IReadOnlyList<Tensor> rectangles, long top, long left)
    {
        using var unrecorded = no_grad();
        var (height, width) = (rectangles[0].shape[2], rectangles[0].shape[3]);
        var step = Math.Clamp(Block / width, 1, height);
        for (var image = 0; image < batch; image++)
        {
            for (long row = 0; row < height; row += step)
            {
                using var scope = NewDisposeScope();
                var rows = Math.Min(step, height - row);
                Add(image, Part(rectangles[0]), Part(rectangles[1]));

                Tensor Part(Tensor map) => map[image].narrow(1, row, rows);
            }
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Parts() => [tensor(Array.ConvertAll(counts, count => (double)count), device: CPU)];

    /// <inheritdoc/>
    public override void Merge(IReadOnlyList<Tensor> parts)
    {
        using var scope = NewDisposeScope();
        foreach (var (pair, count) in parts[0].cpu().data<double>().Index())
            counts[pair] += (long)count;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Finish()
    {
        long[] shape = [batch, classes * classes];
        return
        [
            tensor(Array.ConvertAll(counts, count => (double)(count % ConfusionReduction.Unit)), shape, device: CPU),
            tensor(Array.ConvertAll(counts, count => (double)(count / ConfusionReduction.Unit)), shape, device: CPU),
        ];
    }

    /// <summary>Counts do not hang on scores by any slope.</summary>
    public override IReadOnlyList<Tensor?> Gradient(
        IReadOnlyList<Tensor> rectangles, long top, long left, IReadOnlyList<Tensor?> gradients, IReadOnlyList<bool> wanted) =>
        [.. rectangles.Select((rectangle, operand) => wanted[operand] ? zeros_like(rectangle) : null)];

    /// <inheritdoc/>
    public override void Dispose()
    {
    }

    private void Add(int image, Tensor scores, Tensor target)
    {
        var actual = target.squeeze(0).to(ScalarType.Int64).flatten();
        var predicted = scores.to(ScalarType.Float32).argmax(0).flatten();
        using Scalar factor = classes, none = 0L, one = 1L;
        var pairs = actual.mul(factor).add_(predicted, one)[actual.ge(none)];
        if (pairs.numel() == 0)
            return;
        var found = pairs.bincount(null, classes * classes).cpu().data<long>().ToArray();
        for (var i = 0; i < found.Length; i++)
            counts[(image * found.Length) + i] += found[i];
    }
}
