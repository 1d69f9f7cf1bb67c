using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph;

/// <summary>
/// A network of local layers: its feature maps in topological order, the sources first. Maps that reach no output are left out, but for
/// sources.
/// </summary>
internal sealed class NetworkGraph
{
    /// <param name="traced">All nodes in the order in which they were traced, which is topological, the sources first.</param>
    /// <param name="outputs">Indices of the output maps.</param>
    public NetworkGraph(IReadOnlyList<GraphNode> traced, IReadOnlyList<int> outputs)
    {
        var needed = new bool[traced.Count];
        foreach (var output in outputs)
            needed[output] = true;
        for (var i = traced.Count - 1; i >= 0; i--)
        {
            foreach (var input in needed[i] ? traced[i].Needs : [])
                needed[input] = true;
        }

        var renumbered = new int[traced.Count];
        var nodes = new List<GraphNode>();
        foreach (var node in traced.Where(node => node.IsSource || needed[node.Index]))
        {
            renumbered[node.Index] = nodes.Count;
            nodes.Add(node with
            {
                Index = nodes.Count,
                Inputs = [.. node.Inputs.Select(i => renumbered[i])],
                SizeOf = node.SizeOf < 0 ? -1 : renumbered[node.SizeOf],
            });
        }

        Nodes = nodes;
        FirstLayer = nodes.TakeWhile(node => node.IsSource).Count();
        Sources = nodes[..FirstLayer];
        Layers = nodes[FirstLayer..];
        Outputs = [.. outputs.Select(o => renumbered[o])];
        var readers = nodes.SelectMany(node => node.Inputs.Distinct().Select(input => (Input: input, node.Index)))
            .ToLookup(edge => edge.Input, edge => edge.Index);
        Consumers = [.. nodes.Select(node => readers[node.Index].ToArray())];
        Parameters = [.. nodes.SelectMany(node => node.Layer?.Parameters ?? []).DistinctBy(parameter => parameter.Handle)];
    }

    public IReadOnlyList<GraphNode> Nodes { get; }

    /// <summary>The nodes that come from outside, in the caller's order: the first ones, also those that nobody reads.</summary>
    public IReadOnlyList<GraphNode> Sources { get; }

    /// <summary>The nodes that a layer makes: all behind the sources.</summary>
    public IReadOnlyList<GraphNode> Layers { get; }

    /// <summary>Index of the first node that a layer makes.</summary>
    public int FirstLayer { get; }

    /// <summary>Indices of the output maps; one may stand more than once.</summary>
    public IReadOnlyList<int> Outputs { get; }

    /// <summary>For each map the nodes that read it.</summary>
    public IReadOnlyList<int[]> Consumers { get; }

    /// <summary>The parameters of all layers, each once.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Bytes of the parameters, and of the gradients of those that learn.</summary>
    public long ParameterBytes => GradientBytes + Parameters.Sum(parameter => parameter.numel() * parameter.element_size());

    /// <summary>Bytes of the gradients of the parameters that learn.</summary>
    public long GradientBytes =>
        Parameters.Sum(parameter => parameter.requires_grad ? parameter.numel() * parameter.element_size() : 0);

    /// <summary>A stretch of the network as a network of its own.</summary>
    /// <param name="first">The map that is its image; no layer of the stretch reads one before it.</param>
    /// <param name="last">The map that is its output.</param>
    public NetworkGraph Stretch(int first, int last) => new(
        [
            new GraphNode(0, null, [], Nodes[first].Channels, Nodes[first].Path),
            .. Nodes.Skip(first + 1).Take(last - first)
                .Select(node => node with
                {
                    Index = node.Index - first,
                    Inputs = [.. node.Inputs.Select(input => input - first)],
                    SizeOf = node.SizeOf < 0 ? -1 : node.SizeOf - first,
                }),
        ],
        [last - first]);

    /// <summary>
    /// Of each node whether any output that has a gradient is behind it. Autograd gives their parameters and sources a gradient of zeros
    /// even where every path is cropped away.
    /// </summary>
    /// <param name="hasGradient">Whether an output has one.</param>
    public bool[] Reached(Func<int, bool> hasGradient)
    {
        var reached = new bool[Nodes.Count];
        for (var output = 0; output < Outputs.Count; output++)
            reached[Outputs[output]] |= hasGradient(output);
        for (var i = reached.Length - 1; i >= FirstLayer; i--)
        {
            foreach (var input in reached[i] ? Nodes[i].Inputs : [])
                reached[input] = true;
        }

        return reached;
    }

    /// <summary>Runs the network on whole images at once, as ordinary PyTorch does.</summary>
    /// <param name="sources">[N, C, H, W] for each source.</param>
    /// <returns>The outputs, in the caller's scope.</returns>
    public Tensor[] Whole(params IReadOnlyList<Tensor> sources)
    {
        var maps = new Tensor?[Nodes.Count];
        var readers = new int[Nodes.Count];
        foreach (var input in Layers.SelectMany(node => node.Needs.Distinct()))
            readers[input]++;
        foreach (var source in Sources)
            maps[source.Index] = sources[source.Index];
        foreach (var node in Layers)
        {
            maps[node.Index] = node.Layer!.Whole([.. node.Needs.Select(i => maps[i]!)]);
            foreach (var input in node.Needs.Distinct())
            {
                if (--readers[input] == 0 && !Nodes[input].IsSource && !Outputs.Contains(input))
                    maps[input]!.Dispose();
            }
        }

        return [.. Outputs.Select(output => maps[output]!)];
    }
}
