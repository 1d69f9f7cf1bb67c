using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Stages;

/// <summary>LayerNorm over channels and positions, or over positions alone, without weights: those would depend on the position.</summary>
internal sealed class LayerNormOfMaps : NormOfMaps
{
    private const int OfPositions = 2;
    private const int OfAll = 3;

    /// <inheritdoc/>
    public override bool IsGlobal(Module module, LayerPlace place) =>
        !(place.IsInBlock && module is LayerNorm { normalized_shape.Length: 1 });

    /// <inheritdoc/>
    public override string? Refusal(Module module) => module is not LayerNorm norm ? null
        : norm.normalized_shape.Length == 1
            ? "normalises over the columns alone; use ChannelLayerNorm, or a StreamingBlock, where LayerNorm acts on each pixel's channels"
        : norm.normalized_shape.Length is not (OfPositions or OfAll)
            ? $"normalises over {norm.normalized_shape.Length} dimensions; give it channels, height and width, or use GroupNorm"
        : norm.weight is not null || norm.bias is not null
            ? "has a weight for each position of the map, which cannot be streamed; set elementwise_affine to false, or use GroupNorm"
            : null;

    /// <inheritdoc/>
    public override NetworkValue Trace(Module<Tensor, Tensor> module, FeatureMap input, string path)
    {
        var norm = (LayerNorm)module;
        var shape = norm.normalized_shape;
        if (shape.Length == OfAll)
            Expect(input, shape[0], path, nameof(LayerNorm));
        return Normalised(
            input,
            MapMoments.Of(input, shape.Length == OfAll ? OfGroups(1) : OfEachChannel, path),
            new(nameof(LayerNorm), norm.eps, null, null) { Size = (shape[^2], shape[^1]) },
            path);
    }
}
