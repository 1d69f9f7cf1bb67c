using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>A module's weights may be replaced by others, of which its own settings, and so the layer's integers, know nothing.</summary>
internal static class WeightShape
{
    /// <summary>Why weights do not belong to their module, or null.</summary>
    public static string? RefusalOf(Tensor weight, params long[] expected) => weight.shape.SequenceEqual(expected)
        ? null
        : $"has weights of the shape [{string.Join(", ", weight.shape)}], "
            + $"but its settings are for [{string.Join(", ", expected)}]; make a new layer for other weights";
}
