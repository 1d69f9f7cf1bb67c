using System.Collections.Concurrent;
using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Graph;

/// <summary>Layers that users have taught are not believed: each kind is tried once in a process, before its first use.</summary>
internal static class TaughtLayers
{
    private static readonly ConcurrentDictionary<string, string?> Verdicts = new();

    // One at a time: a trial puts back the generator of random numbers.
    private static readonly Lock Gate = new();

    /// <summary>Tries the taught layers of a network that have not been tried with their settings.</summary>
    /// <param name="nodes">The network's maps as it is written.</param>
    /// <param name="type">Type of the computation.</param>
    /// <param name="device">Device of the computation.</param>
    /// <param name="format">Format of the maps.</param>
    /// <exception cref="UnsupportedLayerException">
    /// A layer's integers are not what it reads, or it computes other values on a rectangle than on the whole map.
    /// </exception>
    public static void Check(IReadOnlyList<GraphNode> nodes, ScalarType type, Device device, MapFormat format)
    {
        foreach (var node in nodes)
        {
            if (node is not { Taught: { } module, Layer: { } layer })
                continue;
            var channels = nodes[node.Inputs[0]].Channels;
            var setting = $"{channels} {type} {device} {format};";
            if (!Verdicts.TryGetValue(setting + LayerSettings.Text(LayerSettings.Of(module, layer)), out var verdict))
            {
                lock (Gate)
                {
                    var before = LayerSettings.Of(module, layer);
                    verdict = LayerTrial.Of(layer, channels, type, device, format);
                    LayerSettings.PassOver(before, LayerSettings.Of(module, layer));
                    Verdicts[setting + LayerSettings.Text(before)] = verdict;
                }
            }

            if (verdict is not null)
                throw new UnsupportedLayerException(node.Path, layer.Name, verdict);
        }
    }
}
