using StreamingCnn.Interop;
using StreamingCnn.Reductions;

namespace StreamingCnn.Models;

/// <summary>The largest value of all valid positions; of equal ones the first in raster order gets the gradient.</summary>
public sealed class MaxPooling() : MapPooling(nameof(MaxPooling))
{
    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap values, FeatureMap? mask = null)
    {
        var positions = new Positions(values, mask);
        var largest = positions.Valid(values, double.NegativeInfinity).Reduce(new MaxReduction())[0];
        return positions.AreMasked
            ? GlobalTensor.Precisely("Max", parts => parts[0].FilledWhere(parts[1].logical_not(), 0), [largest, positions.Count])
            : largest;
    }
}
