using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>Seconds of a tile's passes, layer by layer: operations, memory moved, weights rearranged, and calls.</summary>
internal sealed class TileTime
{
    // Passes of a convolution backwards, to its operand and to its weights.
    private const int RearrangedBackwards = 2;

    // How often weights are read and written where they are made anew from parameters, for once that they are rearranged.
    private const double MadeWeights = 1.5;

    private readonly GridPlan plan;
    private readonly TileLayout tile;
    private readonly TrunkCost trunk;
    private readonly bool mapsAnew;
    private readonly double[] forward;

    /// <param name="plan">The grid.</param>
    /// <param name="tile">The tile.</param>
    /// <param name="trunk">What is the same for every tile.</param>
    /// <param name="mapsAnew">Whether large tensors are fresh memory each time.</param>
    public TileTime(GridPlan plan, TileLayout tile, TrunkCost trunk, bool mapsAnew)
    {
        this.plan = plan;
        this.tile = tile;
        this.trunk = trunk;
        this.mapsAnew = mapsAnew;
        var nodes = plan.Graph.Nodes;
        forward = new double[nodes.Count];
        foreach (var node in plan.Graph.Layers)
        {
            (forward[node.Index], var backward) = Layer(node);
            Backward += backward;
        }
    }

    /// <summary>Of the forward pass.</summary>
    public double Forward => forward.Sum();

    /// <summary>Of the backward pass, without the recomputation.</summary>
    public double Backward { get; }

    /// <summary>Of computing again what the records of the layers before a node need.</summary>
    public double Recompute(int before)
    {
        var run = TileRun.Again(plan, tile, trunk.Differentiable, before);
        return Enumerable.Range(0, before).Where(run.Computes).Sum(node => forward[node]);
    }

    private (double Forward, double Backward) Layer(GraphNode node)
    {
        var area = Area(node.Index);
        if (area == 0)
            return default;
        var rates = trunk.Rates;
        var rate = trunk.WorkRates[node.Index];
        var bytes = Bytes(node.Index);
        var operandBytes = node.Inputs.Max(Bytes);
        var work = trunk.Work[node.Index] * area * trunk.Batch;
        var compared = trunk.Comparisons[node.Index] * area * trunk.Batch;
        var memory = tile.Patch(node.Index) is { } patch ? node.Layer!.MemoryOf(patch) : default;
        var weights = trunk.WeightBytes[node.Index] * (memory.MakesWeights ? MadeWeights : 1);
        var moved = bytes + operandBytes;
        var rearranged = memory.Rearranges ? Anew(bytes) + Anew(operandBytes) : 0;

        var forward = (work / rate.Forward) + (moved / rates.Bandwidth) + (compared / rates.Comparisons)
            + (weights / rates.Weights) + ((Anew(bytes) + rearranged) / rates.Fresh) + rates.Call;
        if (!trunk.Differentiable.Needs(node.Index))
            return (forward, 0);

        // Of the first layers only the weights need a gradient.
        var passes = node.Inputs.Any(trunk.Differentiable.Needs) ? 2 : 1;
        var backward = (passes * work / rate.Backward) + (1.5 * moved / rates.Bandwidth)
            + (3 * weights / rates.Weights) + ((Anew(bytes) + (RearrangedBackwards * rearranged)) / rates.Fresh) + (2 * rates.Call);
        return (forward, backward);
    }

    private long Area(int node) => plan.Roles.IsView(node) || plan.Graph.Nodes[node].IsSource
        ? (tile.Uses(node) > 0 ? tile.Window(node).Area : 0)
        : tile.Patch(node)?.Output.Area ?? 0;

    private double Bytes(int node) => (double)Area(node) * plan.Graph.Nodes[node].Channels * trunk.ValueBytes;

    /// <summary>How much of a tensor is fresh memory.</summary>
    private double Anew(double bytes) => mapsAnew && bytes > ComputeRates.LargestInHeap ? bytes : 0;
}
