using StreamingCnn.Reductions;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Heads;

/// <summary>Sums under way.</summary>
/// <param name="batch">Images.</param>
/// <param name="numbers">Channels.</param>
internal sealed class ErrorRun(long batch, int numbers) : ReductionRun
{
    // Positions that are looked at together, so that numbers in double precision stay small beside the maps.
    private const long Block = 1 << 16;

    // Of each image and channel one sum after the other.
    private readonly double[] sums = new double[batch * numbers * ErrorReduction.Sums];

    /// <inheritdoc/>
    public override void Add(IReadOnlyList<Tensor> rectangles, long top, long left)
    {
        using var unrecorded = no_grad();
        var (height, width) = (rectangles[0].shape[2], rectangles[0].shape[3]);
        var step = Math.Clamp(Block / width, 1, height);
        for (long row = 0; row < height; row += step)
        {
            using var scope = NewDisposeScope();
            var rows = Math.Min(step, height - row);
            var found = SumsOf(Part(rectangles[0]), Part(rectangles[1])).cpu().data<double>();
            for (var i = 0; i < sums.Length; i++)
                sums[i] += found[i];

            Tensor Part(Tensor map) => map.narrow(2, row, rows).to(ScalarType.Float64);
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Parts() => [tensor(sums, device: CPU)];

    /// <inheritdoc/>
    public override void Merge(IReadOnlyList<Tensor> parts)
    {
        using var scope = NewDisposeScope();
        foreach (var (i, sum) in parts[0].cpu().data<double>().Index())
            sums[i] += sum;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Finish()
    {
        long[] shape = [batch, numbers * ErrorReduction.Sums];
        return
        [
            tensor(Array.ConvertAll(sums, sum => (double)(float)sum), shape, device: CPU),
            tensor(Array.ConvertAll(sums, sum => sum - (float)sum), shape, device: CPU),
        ];
    }

    /// <summary>What is learned by is a loss; of these sums no gradient is asked for.</summary>
    public override IReadOnlyList<Tensor?> Gradient(
        IReadOnlyList<Tensor> rectangles, long top, long left, IReadOnlyList<Tensor?> gradients, IReadOnlyList<bool> wanted) =>
        [.. rectangles.Select((rectangle, operand) => wanted[operand] ? zeros_like(rectangle) : null)];

    /// <inheritdoc/>
    public override void Dispose()
    {
    }

    /// <summary>[N, K, 8] in the order that <see cref="Metrics.MapErrors.Of"/> names.</summary>
    private static Tensor SumsOf(Tensor predicted, Tensor actual)
    {
        var known = actual.isnan().logical_not();
        var (counts, missing) = (known.to(ScalarType.Float64), known.logical_not());
        using Scalar nothing = 0;
        var (p, t) = (predicted.masked_fill(missing, nothing), actual.masked_fill(missing, nothing));
        var error = p.sub(t);
        Tensor[] terms = [counts, t, t.mul(t), p, p.mul(p), p.mul(t), error.abs(), error.mul(error)];
        return stack([.. terms.Select(term => term.sum([2, 3]))], 2);
    }
}
