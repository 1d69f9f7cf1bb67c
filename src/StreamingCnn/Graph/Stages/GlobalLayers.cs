using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Stages;

/// <summary>The modules that look at the whole map, by their exact types.</summary>
internal static class GlobalLayers
{
    /// <summary>What is known of a module that looks at the whole map where it stands and as it is set; null for others.</summary>
    public static GlobalLayer? Of(Module module, LayerPlace place) => module switch
    {
        BatchNorm2d norm when norm.GetType() == typeof(BatchNorm2d) && BatchNormOfMaps.IsGlobal(norm, place.FrozenBatchNorm) =>
            BatchNormOfMaps.Instance,
        AdaptiveAvgPool2d pool when pool.GetType() == typeof(AdaptiveAvgPool2d) => AveragePoolingOfMaps.Instance,
        _ => null,
    };
}
