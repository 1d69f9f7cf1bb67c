using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;

namespace StreamingCnn.Planning;

/// <summary>
/// A tile's memory, found by going through its layers forwards and backwards as the execution does, with blocks instead of tensors: windows that layers share,
/// outputs that overwrite them, copies with padding, what each record keeps, and gradients as they come and go.
/// </summary>
internal sealed class TileMemory
{
    private readonly GridPlan plan;
    private readonly TileLayout tile;
    private readonly TrunkCost trunk;
    private readonly LiveBytes live = new();
    private readonly List<int>?[] records;
    private readonly long[] keptFrom;

    /// <param name="plan">The grid.</param>
    /// <param name="tile">The tile.</param>
    /// <param name="trunk">What is the same for every tile.</param>
    public TileMemory(GridPlan plan, TileLayout tile, TrunkCost trunk)
    {
        this.plan = plan;
        this.tile = tile;
        this.trunk = trunk;
        records = new List<int>?[plan.Graph.Nodes.Count];
        keptFrom = new long[records.Length + 1];
        Forwards();
        SumTape();
        Backwards();
    }

    /// <summary>The most bytes alive in the tile's recomputation and backward pass together, carry and sums of parameters' gradients left out.</summary>
    public long Peak => live.Peak;

    /// <summary>Bytes that the records of all layers from a node on keep alive.</summary>
    public long KeptFrom(int node) => keptFrom[node];

    private void Forwards()
    {
        var nodes = plan.Graph.Nodes;
        var windows = new int[nodes.Count];
        var isExclusive = new bool[nodes.Count];
        var remaining = nodes.Select(node => tile.Uses(node.Index)).ToArray();
        foreach (var node in plan.Graph.Layers)
        {
            var recorded = trunk.Differentiable.Needs(node.Index);
            var memory = MemoryOf(node);
            var fresh = node.Layer!.OutputIsFresh && !(recorded && node.Layer is IOverwritingLayer);
            if (plan.Roles.IsView(node.Index))
            {
                if (tile.Uses(node.Index) == 0)
                    continue;
                var below = node.Inputs[0];
                if (node.Layer is IOverwritingLayer && isExclusive[below] && tile.Uses(below) == 1)
                {
                    windows[node.Index] = live.Share(windows[below]);
                    isExclusive[node.Index] = !recorded;
                    if (recorded)
                        records[node.Index] = [live.Share(windows[below])];
                }
                else
                {
                    windows[node.Index] = memory.OutputIsPart
                        ? live.Share(windows[below])
                        : live.New(tile.Window(node.Index).Area * node.Channels * trunk.ValueBytes);
                    isExclusive[node.Index] = fresh;
                    if (recorded)
                        Record(node, memory, [windows[below]], windows[node.Index]);
                }

                Release(below);
                continue;
            }

            var own = -1;
            if (tile.Patch(node.Index) is { } patch)
            {
                var operands = patch.Input.IsEmpty
                    ? []
                    : Array.ConvertAll(node.Inputs, input => nodes[input].IsSource ? SourceWindow(input, patch.Input.Area) : live.Share(windows[input]));
                var copied = node.Layer.PaddedPositions(patch);
                var padded = copied > 0 ? live.New(copied * nodes[node.Inputs[0]].Channels * trunk.ValueBytes) : -1;
                own = memory.OutputIsPart && operands.Length > 0
                    ? live.Share(operands[0])
                    : live.New(patch.Output.Area * node.Channels * trunk.ValueBytes);
                if (memory.Rearranges)
                    live.Touch(Moved(memory, live.Bytes(own) + operands.Sum(live.Bytes) + (Weights(memory, 1) * trunk.WeightBytes[node.Index])));
                if (recorded)
                {
                    Record(node, memory, padded >= 0 && memory.KeepsPaddedCopyOnly ? [] : operands, own);
                    if (padded >= 0 && memory.KeepsInput)
                        records[node.Index]!.Add(live.Share(padded));
                }

                if (padded >= 0)
                    live.Release(padded);
                foreach (var operand in operands)
                    live.Release(operand);
            }

            if (tile.Uses(node.Index) > 0)
            {
                var wanted = tile.Window(node.Index);
                var isWithin = own >= 0 && plan.Computed(node.Index, tile.Row, tile.Column).Contains(wanted);
                windows[node.Index] = isWithin ? live.Share(own) : live.New(wanted.Area * node.Channels * trunk.ValueBytes);
                isExclusive[node.Index] = !isWithin || fresh;
            }

            if (own >= 0)
                live.Release(own);
            foreach (var input in tile.Patch(node.Index) is { Input.IsEmpty: false } ? node.Inputs : [])
                Release(input);
        }

        int SourceWindow(int source, long area) => live.New(area * nodes[source].Channels * trunk.ValueBytes);

        void Release(int node)
        {
            if (--remaining[node] == 0 && !nodes[node].IsSource)
                live.Release(windows[node]);
        }
    }

    /// <summary>What a layer holds of its rectangle, or of all of the window below where that is at hand; nothing where it has none.</summary>
    private LayerMemory MemoryOf(GraphNode node)
    {
        if (!plan.Roles.IsView(node.Index))
            return tile.Patch(node.Index) is { } patch ? node.Layer!.MemoryOf(patch) : default;
        var window = tile.Window(node.Index);
        return window.IsEmpty
            ? default
            : node.Layer!.MemoryOf(new(
                AxisPatch.Of(plan.Rows.Network.Map(node.Index), window.Rows), AxisPatch.Of(plan.Columns.Network.Map(node.Index), window.Columns)));
    }

    /// <summary>What a layer takes while it runs: the library's copies, and its own with more channels, of which the library makes copies then.</summary>
    private static long Moved(in LayerMemory memory, long bytes) => memory.Growth > 0 ? (long)(2 * memory.Growth * bytes) : bytes;

    /// <summary>Tensors as large as the weights at a time.</summary>
    private static long Weights(in LayerMemory memory, long rearranged) => rearranged + (memory.MakesWeights ? 1 : 0);

    private void Record(GraphNode node, in LayerMemory memory, int[] operands, int output)
    {
        var kept = new List<int>();
        if (memory.KeepsInput)
            kept.AddRange(operands.Select(live.Share));
        if (memory.KeepsOutput)
            kept.Add(live.Share(output));
        if (memory.BytesBesides(live.Bytes(output), node.Channels, trunk.ElementSize) is > 0 and var besides)
            kept.Add(live.New(besides));
        records[node.Index] = kept;
    }

    /// <summary>What the records of late layers keep alive, each block counted once.</summary>
    private void SumTape()
    {
        var counted = new HashSet<int>();
        for (var node = records.Length - 1; node >= 0; node--)
            keptFrom[node] = keptFrom[node + 1] + (records[node]?.Where(counted.Add).Sum(live.Bytes) ?? 0);
    }

    private void Backwards()
    {
        var nodes = plan.Graph.Nodes;
        var gradients = new int[nodes.Count];
        var isExclusive = new bool[nodes.Count];
        Array.Fill(gradients, -1);
        for (var i = nodes.Count - 1; i >= plan.Graph.FirstLayer; i--)
        {
            var node = nodes[i];
            if (records[i] is not { } record)
                continue;
            var memory = MemoryOf(node);
            var own = gradients[i];
            // The gradient of the tile's own part: a view of its window's, unless others' have to be added to memory that is not its own.
            var ownBytes = plan.Roles.IsView(i) ? 0 : plan.Computed(i, tile.Row, tile.Column).Area * node.Channels * trunk.ValueBytes;
            var copy = !plan.Roles.IsView(i) && (own < 0 || (plan.Carry(i) is not null && !isExclusive[i])) ? live.New(ownBytes) : -1;

            // The weights, and their gradient: a second thread's share of the sum, the sum, and what it is rearranged to.
            var moved = memory.Rearranges ? Moved(memory, ownBytes + record.Sum(live.Bytes) + (Weights(memory, 3) * trunk.WeightBytes[i])) : 0;
            live.Touch(moved);
            foreach (var input in node.Inputs.Where(trunk.Differentiable.Needs))
            {
                var read = plan.Roles.IsView(i) ? tile.Window(i) : tile.Patch(i)!.Value.Input;
                if (read.IsEmpty)
                    continue;
                var part = memory.GradientIsPart ? -1 : live.New(read.Area * nodes[input].Channels * trunk.ValueBytes);
                live.Touch(moved);
                var window = tile.Window(input);
                if (nodes[input].IsSource)
                {
                    if (part >= 0)
                        live.Release(part);
                }
                else if (gradients[input] < 0 && window == read)
                {
                    gradients[input] = part >= 0 ? part : own >= 0 ? live.Share(own) : live.Share(copy);
                    isExclusive[input] = part >= 0 && memory.GradientIsFresh;
                }
                else
                {
                    if (gradients[input] < 0 || !isExclusive[input])
                    {
                        var sum = live.New(window.Area * nodes[input].Channels * trunk.ValueBytes);
                        if (gradients[input] >= 0)
                            live.Release(gradients[input]);
                        gradients[input] = sum;
                        isExclusive[input] = true;
                    }

                    if (part >= 0)
                        live.Release(part);
                }
            }

            if (copy >= 0)
                live.Release(copy);
            if (own >= 0)
                live.Release(own);
            foreach (var block in record)
                live.Release(block);
        }
    }
}
