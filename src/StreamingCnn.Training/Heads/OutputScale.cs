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
    /// <param name="means">What is added to each channel.</param>
    /// <param name="deviations">What it is multiplied by before.</param>
    public OutputScale(IReadOnlyList<double> means, IReadOnlyList<double> deviations)
        : base(nameof(OutputScale))
    {
        scale = Conv2d(means.Count, means.Count, 1, groups: means.Count);
        using (no_grad())
        {
            using var factors = tensor(deviations.ToArray(), [means.Count, 1, 1, 1], device: scale.weight.device);
            using var offsets = tensor(means.ToArray(), device: scale.weight.device);
            scale.weight.copy_(factors);
            scale.bias!.copy_(offsets);
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
