using StreamingCnn.Graph.Stages;
using StreamingCnn.Reductions;

namespace StreamingCnn.Graph;

/// <summary>What has been traced so far: maps, reductions and small tensors, each with its number and its place in the order.</summary>
internal sealed class TracedParts
{
    private readonly List<TraceStep> steps = [];
    private readonly List<GraphNode> maps = [];
    private readonly List<ReductionNode> reductions = [];
    private readonly List<SmallNode> smalls = [];
    private readonly List<TracedCall> calls = [];

    /// <summary>The maps.</summary>
    public IReadOnlyList<GraphNode> Maps => maps;

    /// <summary>The reductions.</summary>
    public IReadOnlyList<ReductionNode> Reductions => reductions;

    /// <summary>The small tensors.</summary>
    public IReadOnlyList<SmallNode> Smalls => smalls;

    /// <summary>Adds a map, whose number is the next.</summary>
    public GraphNode Add(GraphNode map)
    {
        steps.Add(new(TracedKind.Map, map.Index));
        maps.Add(map);
        return map;
    }

    /// <summary>Adds a small tensor, whose number is the next.</summary>
    public SmallNode Add(SmallNode small)
    {
        steps.Add(new(TracedKind.Small, small.Index));
        smalls.Add(small);
        return small;
    }

    /// <summary>Adds a reduction of maps.</summary>
    /// <returns>Its results.</returns>
    public SmallNode[] Add(MapReduction reduction, int[] operands, string path)
    {
        var index = reductions.Count;
        steps.Add(new(TracedKind.Reduction, index));
        var results = Enumerable.Range(smalls.Count, reduction.Results).ToArray();
        reductions.Add(new(index, path, reduction, operands, results));
        return [.. results.Select((small, result) => Add(new SmallNode(small, path) { Reduction = index, Result = result }))];
    }

    /// <summary>Remembers that a module was taken apart.</summary>
    public void Add(TracedCall call) => calls.Add(call);

    /// <summary>All of it as a network.</summary>
    public TracedNetwork Network(IReadOnlyList<TracedOutput> outputs) => new(steps, maps, reductions, smalls, outputs) { Calls = calls };
}
