using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph;

/// <summary>A network of local layers: its feature maps in topological order, those that reach no output left out.</summary>
internal sealed class NetworkGraph
{
    /// <param name="traced">All nodes in the order in which they were traced, which is topological.</param>
    /// <param name="outputs">Indices of the output maps.</param>
    public NetworkGraph(IReadOnlyList<GraphNode> traced, IReadOnlyList<int> outputs)
    {
        var needed = new bool[traced.Count];
        needed[0] = true;
        foreach (var output in outputs)
            needed[output] = true;
        for (var i = traced.Count - 1; i > 0; i--)
        {
            foreach (var input in needed[i] ? traced[i].Inputs : [])
                needed[input] = true;
        }

        var renumbered = new int[traced.Count];
        var nodes = new List<GraphNode>();
        foreach (var node in traced.Where(node => needed[node.Index]))
        {
            renumbered[node.Index] = nodes.Count;
            nodes.Add(node with { Index = nodes.Count, Inputs = [.. node.Inputs.Select(i => renumbered[i])] });
        }

        Nodes = nodes;
        Outputs = [.. outputs.Select(o => renumbered[o])];
        var readers = nodes.SelectMany(node => node.Inputs.Distinct().Select(input => (Input: input, node.Index)))
            .ToLookup(edge => edge.Input, edge => edge.Index);
        Consumers = [.. nodes.Select(node => readers[node.Index].ToArray())];
        Parameters = [.. nodes.SelectMany(node => node.Layer?.Parameters ?? []).DistinctBy(parameter => parameter.Handle)];
    }

    public IReadOnlyList<GraphNode> Nodes { get; }

    /// <summary>Indices of the output maps; one may stand more than once.</summary>
    public IReadOnlyList<int> Outputs { get; }

    /// <summary>For each map the nodes that read it.</summary>
    public IReadOnlyList<int[]> Consumers { get; }

    /// <summary>The parameters of all layers, each once.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Bytes of the parameters, and of the gradients of those that learn.</summary>
    public long ParameterBytes => Parameters.Sum(parameter => parameter.numel() * parameter.element_size() * (parameter.requires_grad ? 2 : 1));

    /// <summary>Whether a layer draws random numbers.</summary>
    public bool IsRandom => Nodes.Any(node => node.Layer is { IsRandom: true });

    /// <summary>Refuses layers that cannot be streamed as they are set now.</summary>
    /// <exception cref="UnsupportedLayerException">There is such a layer.</exception>
    public void Check()
    {
        foreach (var node in Nodes)
        {
            if (node.Layer?.Refusal is { } reason)
                throw new UnsupportedLayerException(node.Path, node.Layer.Name, reason);
        }
    }

    /// <summary>Runs the network on a whole image at once, as ordinary PyTorch does.</summary>
    /// <param name="image">[N, C, H, W].</param>
    /// <returns>The outputs, in the caller's scope.</returns>
    public Tensor[] Whole(Tensor image)
    {
        var maps = new Tensor?[Nodes.Count];
        var readers = Consumers.Select(consumers => consumers.Length).ToArray();
        maps[0] = image;
        foreach (var node in Nodes.Skip(1))
        {
            maps[node.Index] = node.Layer!.Whole([.. node.Inputs.Select(i => maps[i]!)]);
            foreach (var input in node.Inputs.Distinct())
            {
                if (--readers[input] == 0 && input != 0 && !Outputs.Contains(input))
                    maps[input]!.Dispose();
            }
        }

        // A module must not return its own argument, which its caller may dispose.
        return [.. Outputs.Select(output => output == 0 ? image.alias() : maps[output]!)];
    }
}
