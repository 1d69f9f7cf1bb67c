using StreamingCnn.Training.Metrics;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>
/// Brings what a network has learned to the scale of the numbers themselves: a convolution of one pixel that nothing is learned of, so that
/// other programs need not know the scale.
/// </summary>
internal sealed class OutputScale : StreamingBlock
{
    private readonly Conv2d scale;

    /// <summary>Creates the layer.</summary>
    /// <param name="scales">The scale of each channel.</param>
    public OutputScale(IReadOnlyList<NumberScale> scales)
        : base(nameof(OutputScale))
    {
        scale = Conv2d(scales.Count, scales.Count, 1, groups: scales.Count);
        using (no_grad())
        {
            using var deviations = tensor(scales.Select(one => (float)one.Deviation).ToArray(), [scales.Count, 1, 1, 1]);
            using var means = tensor(scales.Select(one => (float)one.Mean).ToArray());
            scale.weight.copy_(deviations);
            scale.bias!.copy_(means);
        }

        RegisterComponents();
        foreach (var parameter in parameters())
            parameter.requires_grad_(false);
    }

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Through(scale);
    }
}
