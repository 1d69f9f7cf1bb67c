using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>Seconds of a tile's passes, layer by layer: operations, memory moved, weights rearranged, and calls.</summary>
internal sealed class TileTime
{
    private readonly double[] forwardBefore;

    /// <param name="plan">The grid.</param>
    /// <param name="tile">The tile.</param>
    /// <param name="trunk">What is the same for every tile.</param>
    /// <param name="mapsAnew">Whether large tensors are fresh memory each time.</param>
    public TileTime(GridPlan plan, TileLayout tile, TrunkCost trunk, bool mapsAnew)
    {
        var nodes = plan.Graph.Nodes;
        var rates = trunk.Rates;
        forwardBefore = new double[nodes.Count + 1];
        foreach (var node in nodes)
        {
            double forward = 0, backward = 0;
            var area = plan.Roles.IsView(node.Index)
                ? (tile.Uses(node.Index) > 0 ? tile.Window(node.Index).Area : 0)
                : tile.Patch(node.Index)?.Output.Area ?? 0;
            if (!node.IsImage && area > 0)
            {
                var bytes = (double)area * node.Channels * trunk.ValueBytes;
                var fresh = mapsAnew && bytes > ComputeRates.LargestInHeap ? bytes / rates.Fresh : 0;
                var work = trunk.Work[node.Index] * area * trunk.Batch;
                var weights = trunk.WeightBytes[node.Index];
                forward = work / rates.Forward + 2 * bytes / rates.Bandwidth + weights / rates.Weights + fresh + rates.Call;
                if (trunk.Differentiable.Needs(node.Index))
                {
                    // Of the first layers only the weights need a gradient.
                    var passes = node.Inputs.Any(trunk.Differentiable.Needs) ? 2 : 1;
                    backward = passes * work / rates.Backward + 3 * bytes / rates.Bandwidth + 3 * weights / rates.Weights + 2 * fresh + 2 * rates.Call;
                }
            }

            forwardBefore[node.Index + 1] = forwardBefore[node.Index] + forward;
            Backward += backward;
        }
    }

    /// <summary>Of the forward pass.</summary>
    public double Forward => forwardBefore[^1];

    /// <summary>Of the backward pass, without the recomputation.</summary>
    public double Backward { get; }

    /// <summary>Of computing the layers before a node again.</summary>
    public double Recompute(int before) => forwardBefore[before];
}
