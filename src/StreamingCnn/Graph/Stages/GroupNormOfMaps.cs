using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Stages;

/// <summary>GroupNorm: each image's channels in groups, in both modes.</summary>
internal sealed class GroupNormOfMaps : NormOfMaps
{
    /// <inheritdoc/>
    public override NetworkValue Trace(Module<Tensor, Tensor> module, FeatureMap input, string path)
    {
        var norm = (GroupNorm)module;
        if (norm.weight is { } weight)
            Expect(input, weight.numel(), path, nameof(GroupNorm));
        if (norm.num_groups < 1 || (!input.Builder.IsOpen && input.Count % norm.num_groups != 0))
        {
            throw new UnsupportedLayerException(
                path, nameof(GroupNorm), $"cannot divide {input.Count} channels into {norm.num_groups} groups; choose a divisor");
        }

        return Normalised(
            input,
            MapMoments.Of(input, OfGroups(norm.num_groups), path),
            new(nameof(GroupNorm), norm.eps, norm.weight, norm.bias),
            path);
    }
}
