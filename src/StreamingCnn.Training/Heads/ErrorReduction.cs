using StreamingCnn.Reductions;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Heads;

/// <summary>
/// Sums over positions of numbers and what they should be, as <see cref="Metrics.MapErrors"/> takes them. Operands are the network's map
/// and the true numbers, of which NaN does not count. Results are two numbers for each sum, one behind the other for each channel: the sum
/// in single precision, and what that leaves of it.
/// </summary>
/// <param name="numbers">Channels of both maps.</param>
internal sealed class ErrorReduction(int numbers) : MapReduction
{
    /// <summary>Sums of each channel.</summary>
    public const int Sums = 8;

    /// <inheritdoc/>
    public override int Operands => 2;

    /// <inheritdoc/>
    public override int Results => 2;

    /// <inheritdoc/>
    public override IReadOnlyList<int> Selectors => [1];

    /// <summary>The sums that results stand for.</summary>
    public static double[] Of(Tensor single, Tensor rest)
    {
        using var scope = NewDisposeScope();
        return [.. Numbers(single).Zip(Numbers(rest), (high, low) => high + low)];

        static double[] Numbers(Tensor values) => values.detach().to(ScalarType.Float64).cpu().flatten().data<double>().ToArray();
    }

    /// <inheritdoc/>
    public override Tensor Selected(IReadOnlyList<Tensor> selectors)
    {
        using var scope = NewDisposeScope();
        return selectors[0].isnan().logical_not().any(1, keepdim: true).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<long> channels)
    {
        if (channels[0] != numbers)
            throw new ArgumentException(
                $"judges {numbers} numbers at each position, but the network gives {channels[0]}; give it as many outputs");
        if (channels[1] != numbers)
            throw new ArgumentException($"judges {numbers} numbers at each position, but the true map has {channels[1]} channels");
    }

    /// <inheritdoc/>
    public override ReductionRun Start(ReductionShape shape) => new ErrorRun(shape.Batch, numbers);

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps)
    {
        using var run = new ErrorRun(maps[0].shape[0], numbers);
        run.Add([maps[0].detach(), maps[1].detach()], 0, 0);
        return [.. run.Finish().Select(result => result.to(maps[0].dtype, maps[0].device))];
    }
}
