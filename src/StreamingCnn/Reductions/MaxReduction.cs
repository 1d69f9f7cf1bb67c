using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>The largest value of a map, and its place, to which all of its gradient goes.</summary>
/// <remarks>
/// Results: the value [N, C]; its place [N, C], row times width plus column. Of equal values the first in raster order has the place,
/// whichever tile comes first, and a value that is no number is larger than any other, as in PyTorch's adaptive pooling.
/// </remarks>
public sealed class MaxReduction : MapReduction
{
    /// <inheritdoc/>
    public override int Operands => 1;

    /// <inheritdoc/>
    public override int Results => 2;

    /// <inheritdoc/>
    public override double? Neutral => double.NegativeInfinity;

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<long> channels) => OperandChannels.Check(Name, channels, Operands);

    /// <inheritdoc/>
    public override ReductionRun Start(ReductionShape shape) => new LargestRun(shape, new(shape, 1, 1), [shape.Channels[0]]);

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps)
    {
        var (largest, places) = nn.functional.adaptive_max_pool2d_with_indices(maps[0], [1, 1]);
        return [largest.squeeze(3).squeeze(2), places.squeeze(3).squeeze(2).to(ScalarType.Float64)];
    }
}
