using StreamingCnn.Graph.Stages;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph;

/// <summary>
/// A network as it was traced: maps, reductions of them, and small tensors, which go back into maps. One without reductions is a
/// <see cref="NetworkGraph"/>.
/// </summary>
internal sealed class TracedNetwork
{
    private readonly IReadOnlyList<TraceStep> steps;
    private NetworkGraph? local;

    /// <param name="steps">Everything in the order of the trace, which is topological.</param>
    /// <param name="maps">The maps, the sources first.</param>
    /// <param name="reductions">The reductions.</param>
    /// <param name="smalls">The small tensors.</param>
    /// <param name="outputs">The outputs.</param>
    public TracedNetwork(
        IReadOnlyList<TraceStep> steps,
        IReadOnlyList<GraphNode> maps,
        IReadOnlyList<ReductionNode> reductions,
        IReadOnlyList<SmallNode> smalls,
        IReadOnlyList<TracedOutput> outputs) =>
        (this.steps, Maps, Reductions, Smalls, Outputs) = (steps, maps, reductions, smalls, outputs);

    /// <summary>The maps, the sources first.</summary>
    public IReadOnlyList<GraphNode> Maps { get; }

    /// <summary>The reductions.</summary>
    public IReadOnlyList<ReductionNode> Reductions { get; }

    /// <summary>The small tensors.</summary>
    public IReadOnlyList<SmallNode> Smalls { get; }

    /// <summary>The outputs.</summary>
    public IReadOnlyList<TracedOutput> Outputs { get; }

    /// <summary>The modules that were taken apart, inner ones before those around them.</summary>
    public IReadOnlyList<TracedCall> Calls { get; init; } = [];

    /// <summary>Everything in the order of the trace.</summary>
    public IReadOnlyList<TraceStep> Steps => steps;

    /// <summary>Whether nothing looks at a whole map.</summary>
    public bool IsLocal => Smalls.Count == 0;

    /// <summary>
    /// Whether it is run by stages: it looks at whole maps, or a mask says which positions of an output need be computed.
    /// </summary>
    public bool RunsInStages =>
        !IsLocal || Outputs.Any(output => !output.IsSmall && Maps[output.Index].Layer is MapFunctionLayer { Mask: not null });

    /// <summary>The network as one of local layers alone.</summary>
    /// <exception cref="UnsupportedLayerException">It has global quantities.</exception>
    public NetworkGraph Local => local ??= IsLocal
        ? new NetworkGraph(Maps, [.. Outputs.Select(output => output.Index)])
        : throw new UnsupportedLayerException(
            Reductions.Count > 0 ? Reductions[0].Path : Smalls[0].Path,
            Reductions.Count > 0 ? Reductions[0].Kind.Name : Smalls[0].Path,
            "looks at the whole map, where a network of local layers is needed");

    /// <summary>The parameters of all layers and functions, each once.</summary>
    public IReadOnlyList<Parameter> Parameters =>
    [
        .. Maps.SelectMany(node => node.Layer?.Parameters ?? [])
            .Concat(Smalls.SelectMany(small => small.Function?.Parameters ?? []))
            .DistinctBy(parameter => parameter.Handle),
    ];

    /// <summary>Bytes of the parameters, and of the gradients of those that learn.</summary>
    public long ParameterBytes => GradientBytes + Parameters.Sum(parameter => parameter.numel() * parameter.element_size());

    /// <summary>Bytes of the gradients of the parameters that learn.</summary>
    public long GradientBytes =>
        Parameters.Sum(parameter => parameter.requires_grad ? parameter.numel() * parameter.element_size() : 0);

    /// <summary>Refuses layers that cannot be streamed as they are set now.</summary>
    /// <exception cref="UnsupportedLayerException">There is such a layer.</exception>
    public void Check()
    {
        foreach (var node in Maps)
        {
            if (node.Layer?.Refusal is { } reason)
                throw new UnsupportedLayerException(node.Path, node.Layer.Name, reason);
        }
    }

    /// <summary>Runs the network on whole images at once, as ordinary PyTorch does.</summary>
    /// <param name="sources">[N, C, H, W] for each source.</param>
    /// <returns>The outputs, in the caller's scope.</returns>
    public Tensor[] Whole(params IReadOnlyList<Tensor> sources)
    {
        // A module that keeps something is called, whether an output hangs on it or not.
        if (IsLocal && !Maps.Any(node => node.Layer is WholeModuleLayer))
            return Local.Whole(sources);
        var (maps, smalls) = (new Tensor?[Maps.Count], new Tensor?[Smalls.Count]);
        var readers = Readers();
        for (var source = 0; source < sources.Count; source++)
            maps[source] = sources[source];
        foreach (var (kind, index) in steps)
        {
            switch (kind)
            {
                case TracedKind.Map when !Maps[index].IsSource:
                    maps[index] = Whole(Maps[index], maps, smalls);
                    Release(Maps[index].Needs);
                    break;
                case TracedKind.Reduction:
                    var reduction = Reductions[index];
                    var results = reduction.Kind.Whole([.. reduction.Operands.Select(operand => maps[operand]!)]);
                    foreach (var (result, small) in results.Zip(reduction.Results))
                        smalls[small] = result;
                    Release(reduction.Operands);
                    break;
                case TracedKind.Small when Smalls[index].Function is { } function:
                    smalls[index] = function.Compute([.. Smalls[index].Inputs.Select(input => smalls[input]!)]);
                    break;
            }
        }

        return [.. Outputs.Select(output => output.IsSmall ? smalls[output.Index]! : maps[output.Index]!)];

        void Release(IEnumerable<int> inputs)
        {
            foreach (var input in inputs.Distinct())
            {
                if (--readers[input] == 0 && !Maps[input].IsSource)
                    maps[input]!.Dispose();
            }
        }
    }

    /// <summary>How many layers and reductions read each map; who has the outputs is one more.</summary>
    private int[] Readers()
    {
        var readers = new int[Maps.Count];
        foreach (var inputs in Maps.Select(node => node.Needs).Concat(Reductions.Select(reduction => reduction.Operands)))
        {
            foreach (var input in inputs.Distinct())
                readers[input]++;
        }

        foreach (var output in Outputs.Where(output => !output.IsSmall))
            readers[output.Index]++;
        return readers;
    }

    private static Tensor Whole(GraphNode node, Tensor?[] maps, Tensor?[] smalls)
    {
        Tensor[] inputs = [.. node.Needs.Select(input => maps[input]!)];
        return node.Layer is OperandLayer layer
            ? layer.Apply(inputs, [.. layer.Smalls.Select(small => layer.AtEveryPosition(smalls[small]!, inputs[0], node.Path))])
            : node.Layer!.Whole(inputs);
    }
}
