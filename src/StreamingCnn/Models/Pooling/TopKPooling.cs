using StreamingCnn.Interop;
using StreamingCnn.Reductions;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Models;

/// <summary>The mean of the k largest values of all valid positions, of each channel; of fewer, where a mask leaves fewer.</summary>
/// <remarks>Of equal values those first in raster order count.</remarks>
public sealed class TopKPooling : MapPooling
{
    private readonly long k;

    /// <summary>Creates the pooling.</summary>
    /// <param name="k">How many values, at least 1, and at most the map's positions.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is below 1.</exception>
    public TopKPooling(long k)
        : base(nameof(TopKPooling))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(k, 1);
        this.k = k;
    }

    /// <summary>How many values.</summary>
    internal long Count => k;

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap values, FeatureMap? mask = null)
    {
        var positions = new Positions(values, mask);
        var largest = positions.Valid(values, double.NegativeInfinity).Reduce(new TopKReduction(k))[0];
        return positions.AreMasked
            ? GlobalTensor.Precisely("TopK", parts => Mean(parts[0], parts[1]), [largest, positions.Count])
            : GlobalTensor.Precisely("TopK", parts => parts[0].mean([2]), [largest]);
    }

    private Tensor Mean(Tensor largest, Tensor count)
    {
        var taken = count.NoMoreThan(k);
        var isRemoved = KeptScalars.Range(0, k, count.dtype, count.device) >= taken.unsqueeze(2);
        return largest.FilledWhere(isRemoved, 0).sum([2]) / taken.NoLessThan(1);
    }
}
