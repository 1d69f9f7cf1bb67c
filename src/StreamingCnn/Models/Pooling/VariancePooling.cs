using StreamingCnn.Interop;
using StreamingCnn.Reductions;
using static TorchSharp.torch;

namespace StreamingCnn.Models;

/// <summary>
/// The mean squared difference from the mean over all valid positions: Σ (a_i − ā)² / n, where a is the map, or its softmax over the
/// positions.
/// </summary>
/// <remarks>Of the softmax in two sweeps over the map: where it is nearly even, nothing of the difference would be left in one.</remarks>
public sealed class VariancePooling : MapPooling
{
    private readonly bool ofSoftmax;

    /// <summary>Creates the pooling.</summary>
    /// <param name="ofSoftmax">Whether of the softmax over the positions, of each channel.</param>
    public VariancePooling(bool ofSoftmax = false)
        : base(nameof(VariancePooling)) => this.ofSoftmax = ofSoftmax;

    /// <summary>Whether it is that of the softmax.</summary>
    internal bool OfSoftmax => ofSoftmax;

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap values, FeatureMap? mask = null)
    {
        var positions = new Positions(values, mask);
        if (!ofSoftmax)
            return positions.OverCount(positions.Squares(values));

        // n times the softmax: of numbers about 1, also on large maps.
        var shift = GlobalTensor.Precisely("Shift", parts => Shift(parts[0], parts[1]), [positions.LogSumExp(values), positions.Count]);
        var shares = positions.Valid(values, double.NegativeInfinity)
            .AtEachPosition("Softmax", (maps, smalls) => maps[0].Plus(smalls[0]).exp(), smalls: [shift]);
        return GlobalTensor.Precisely(
            "Variance", parts => parts[0] / parts[1].NoLessThan(1).Power(3), [positions.Squares(shares), positions.Count]);
    }

    private static Tensor Shift(Tensor logarithm, Tensor count)
    {
        var isNone = count.logical_not();
        return count.FilledWhere(isNone, 1).log() - logarithm.FilledWhere(isNone, 0);
    }
}
