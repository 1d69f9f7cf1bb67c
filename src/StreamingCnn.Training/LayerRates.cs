using System.Globalization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Training;

/// <summary>
/// Which share of the learning rate each parameter gets: the head all of it, and of the trunk each layer less than the one behind it
/// (Howard and Ruder, "Universal language model fine-tuning for text classification", 2018, call it discriminative fine-tuning).
/// </summary>
internal static class LayerRates
{
    /// <summary>Parameters by their share, the head's first, then the trunk's from its first layer to its last.</summary>
    /// <param name="options">What share the trunk gets, and by how much it falls from layer to layer.</param>
    /// <param name="learning">All parameters that learn.</param>
    /// <param name="trunk">The trunk.</param>
    public static IReadOnlyList<(double Factor, Parameter[] Parameters)> Of(
        TrainingOptions options, IReadOnlyList<Parameter> learning, nn.Module trunk)
    {
        var (share, decay) = (options.TrunkRate ?? 1, options.LayerDecay ?? 1);
        if (share == 1 && decay == 1)
            return [(1, [.. learning])];
        var learns = learning.Select(parameter => parameter.Handle).ToHashSet();
        var layers = Layers(trunk.named_parameters())
            .Select(layer => layer.Where(parameter => learns.Contains(parameter.Handle)).ToArray()).ToArray();
        var ofTrunk = layers.SelectMany(layer => layer).Select(parameter => parameter.Handle).ToHashSet();
        Parameter[] head = [.. learning.Where(parameter => !ofTrunk.Contains(parameter.Handle))];
        return
        [
            .. head.Length > 0 ? [(1.0, head)] : Array.Empty<(double, Parameter[])>(),
            .. layers.Select((layer, place) => (share * Math.Pow(decay, layers.Length - place), layer)).Where(one => one.layer.Length > 0),
        ];
    }

    /// <summary>
    /// The layers of a network by the names of its parameters, in the order in which it has them: what a number tells apart, such as the
    /// blocks <c>layer1.0</c> and <c>features.2.1</c>, is one layer with all that is in it. Norms and factors of channels go with the
    /// layer before them.
    /// </summary>
    internal static IReadOnlyList<Parameter[]> Layers(IEnumerable<(string name, Parameter parameter)> parameters)
    {
        var layers = new List<Parameter[]>();
        foreach (var layer in parameters.GroupBy(one => LayerOf(one.name), one => one.parameter, StringComparer.Ordinal))
        {
            if (layers.Count > 0 && layer.All(parameter => parameter.dim() < 2))
                layers[^1] = [.. layers[^1], .. layer];
            else
                layers.Add([.. layer]);
        }

        return layers;
    }

    private static string LayerOf(string name)
    {
        var parts = name.Split('.')[..^1];
        var end = 0;
        while (end < parts.Length && !IsNumber(parts[end]))
            end++;
        while (end < parts.Length && IsNumber(parts[end]))
            end++;
        return string.Join('.', parts[..end]);
    }

    private static bool IsNumber(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
