using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>What is taken of each bin.</summary>
public enum BinValue
{
    /// <summary>The mean of its positions.</summary>
    Average,

    /// <summary>The largest value.</summary>
    Max,
}

/// <summary>
/// Adaptive pooling: a map is divided into bins, as PyTorch divides it. Bin i of k along L positions goes from floor(i L / k) to
/// ceil((i + 1) L / k), so that neighbours overlap unless k divides L.
/// </summary>
/// <param name="rows">The number of bins one below the other.</param>
/// <param name="columns">The number of bins side by side.</param>
/// <param name="value">What is taken of each.</param>
/// <remarks>
/// Results: the bins' values [N, C, rows, columns]; of the largest also their places, row times width plus column. Of equal values the
/// first in raster order has the place, and a value that is no number is larger than any other, as in PyTorch.
/// </remarks>
public sealed class BinsReduction(long rows, long columns, BinValue value) : MapReduction
{
    private readonly long rows = rows > 0 ? rows : throw new ArgumentOutOfRangeException(nameof(rows), rows, NoBins);
    private readonly long columns = columns > 0 ? columns : throw new ArgumentOutOfRangeException(nameof(columns), columns, NoBins);

    private const string NoBins = "A map is divided into 1 bin or more each way.";

    /// <inheritdoc/>
    public override int Operands => 1;

    /// <inheritdoc/>
    public override int Results => value == BinValue.Max ? 2 : 1;

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<long> channels) => OperandChannels.Check(Name, channels, Operands);

    /// <inheritdoc/>
    public override ReductionRun Start(ReductionShape shape) => value == BinValue.Max
        ? new LargestRun(shape, new(shape, rows, columns), [shape.Channels[0], rows, columns])
        : new BinAveragesRun(shape, new(shape, rows, columns));

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps)
    {
        if (value == BinValue.Average)
            return [nn.functional.adaptive_avg_pool2d(maps[0], [rows, columns])];
        var (largest, places) = nn.functional.adaptive_max_pool2d_with_indices(maps[0], [rows, columns]);
        return [largest, places.to(ScalarType.Float64)];
    }
}
