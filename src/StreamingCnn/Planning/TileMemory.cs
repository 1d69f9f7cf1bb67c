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
    private readonly int[] gradients;
    private readonly bool[] isExclusive;

    /// <param name="plan">The grid.</param>
    /// <param name="tile">The tile.</param>
    /// <param name="trunk">What is the same for every tile.</param>
    /// <param name="keptFrom">The first node whose record is kept from the forward pass; the number of nodes where none is.</param>
    public TileMemory(GridPlan plan, TileLayout tile, TrunkCost trunk, int keptFrom)
    {
        this.plan = plan;
        this.tile = tile;
        this.trunk = trunk;
        var count = plan.Graph.Nodes.Count;
        records = new List<int>?[count];
        gradients = new int[count];
        isExclusive = new bool[count];
        Array.Fill(gradients, -1);
        Forwards(TileRun.Forward(plan, tile, trunk.Differentiable, keptFrom));
        (Kept, ForwardPeak) = (live.Now, live.Peak);
        live.ForgetPeak();
        Backwards(count - 1, keptFrom);
        Forwards(TileRun.Again(plan, tile, trunk.Differentiable, keptFrom));
        Backwards(keptFrom - 1, plan.Graph.FirstLayer);
    }

    /// <summary>The most bytes alive while the tile runs forwards, carry left out.</summary>
    public long ForwardPeak { get; }

    /// <summary>The most bytes alive in the tile's backward pass, carry and sums of parameters' gradients left out.</summary>
    public long BackwardPeak => live.Peak;

    /// <summary>The more of both.</summary>
    public long Peak => Math.Max(ForwardPeak, BackwardPeak);

    /// <summary>Bytes that are kept from the forward pass.</summary>
    public long Kept { get; }

    private void Forwards(TileRun run)
    {
        var nodes = plan.Graph.Nodes;
        var windows = new int[nodes.Count];
        var isOwn = new bool[nodes.Count];
        var isLaidOut = new bool[nodes.Count];
        var remaining = nodes.Select(node => run.Uses(node.Index)).ToArray();
        foreach (var node in plan.Graph.Layers.TakeWhile(node => node.Index < run.End))
        {
            if (plan.Roles.IsView(node.Index))
                View(node);
            else
                Rectangle(node);
        }

        void View(GraphNode node)
        {
            if (!run.Runs(node.Index))
                return;
            var below = node.Inputs[0];
            var recorded = run.Records(node.Index);
            var isRead = run.Uses(node.Index) > 0;
            if (node.Layer is IOverwritingLayer && isOwn[below] && run.Uses(below) == 1)
            {
                if (recorded)
                    records[node.Index] = [live.Share(windows[below])];
                if (isRead)
                    windows[node.Index] = live.Share(windows[below]);
                isOwn[node.Index] = !recorded;
                isLaidOut[node.Index] = isLaidOut[below];
            }
            else
            {
                var output = MemoryOf(node).OutputIsPart
                    ? live.Share(windows[below])
                    : live.New(tile.Window(node.Index).Area * node.Channels * trunk.ValueBytes);
                if (recorded)
                    Record(node, [windows[below]], output);
                if (isRead)
                    windows[node.Index] = live.Share(output);
                isOwn[node.Index] = IsFresh(node, recorded);
                live.Release(output);
            }

            Release(below);
        }

        void Rectangle(GraphNode node)
        {
            var own = -1;
            if (run.Runs(node.Index))
            {
                var patch = tile.Patch(node.Index)!.Value;
                var memory = MemoryOf(node);
                var operands = patch.Input.IsEmpty
                    ? []
                    : Array.ConvertAll(node.Inputs, input => nodes[input].IsSource ? SourceWindow(input, patch.Input.Area) : live.Share(windows[input]));
                var isThere = isLaidOut[node.Inputs[0]] && node.Layer!.ZeroPadded(patch) is not null;
                var copied = isThere ? 0 : node.Layer!.PaddedPositions(patch);
                var padded = copied > 0 ? live.New(copied * nodes[node.Inputs[0]].Channels * trunk.ValueBytes) : -1;
                if (run.Computes(node.Index))
                {
                    own = memory.OutputIsPart && operands.Length > 0
                        ? live.Share(operands[0])
                        : live.New(patch.Output.Area * node.Channels * trunk.ValueBytes);
                    if (memory.Rearranges)
                        live.Touch(Moved(memory, live.Bytes(own) + operands.Sum(live.Bytes) + (Weights(memory, 1) * trunk.WeightBytes[node.Index])));
                }

                if (run.Records(node.Index))
                {
                    Record(node, padded >= 0 && memory.KeepsPaddedCopyOnly ? [] : operands, own);
                    if (padded >= 0 && memory is { KeepsInput: true, RunsAgain: 0 })
                        records[node.Index]!.Add(live.Share(padded));
                }

                if (padded >= 0)
                    live.Release(padded);
                foreach (var operand in operands)
                    live.Release(operand);
            }

            if (run.Uses(node.Index) > 0)
            {
                var laid = tile.LaidOut(node.Index);
                var isWithin = own >= 0 && plan.Computed(node.Index, tile.Row, tile.Column).Contains(laid);
                windows[node.Index] = isWithin ? live.Share(own) : live.New(laid.Area * node.Channels * trunk.ValueBytes);
                isLaidOut[node.Index] = laid != tile.Window(node.Index);
                isOwn[node.Index] = !isWithin || IsFresh(node, run.Records(node.Index));
            }

            if (own >= 0)
                live.Release(own);
            foreach (var input in run.Runs(node.Index) && !tile.Patch(node.Index)!.Value.Input.IsEmpty ? node.Inputs : [])
                Release(input);
        }

        static bool IsFresh(GraphNode node, bool recorded) => node.Layer!.OutputIsFresh && !(recorded && node.Layer is IOverwritingLayer);

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

    private void Record(GraphNode node, int[] operands, int output)
    {
        var memory = MemoryOf(node);
        var kept = new List<int>();
        if (memory.KeepsInput)
            kept.AddRange(operands.Select(live.Share));
        if (memory.KeepsOutput)
            kept.Add(live.Share(output));
        if (output >= 0 && memory.BytesBesides(live.Bytes(output), node.Channels, trunk.ElementSize) is > 0 and var besides)
            kept.Add(live.New(besides));
        records[node.Index] = kept;
    }

    /// <summary>Takes the layers from one down to another backwards.</summary>
    private void Backwards(int last, int first)
    {
        var nodes = plan.Graph.Nodes;
        for (var i = last; i >= first; i--)
        {
            var node = nodes[i];
            var own = gradients[i];
            if (records[i] is not { } record)
            {
                // The tile reads the map, and computes nothing of it: the gradient goes to other tiles.
                if (own >= 0)
                    live.Release(own);
                continue;
            }

            var memory = MemoryOf(node);
            // The gradient of the tile's own part: a view of its window's, unless others' have to be added to memory that is not its own.
            var ownBytes = plan.Roles.IsView(i) ? 0 : plan.Computed(i, tile.Row, tile.Column).Area * node.Channels * trunk.ValueBytes;
            var copy = !plan.Roles.IsView(i) && (own < 0 || (plan.Carry(i) is not null && !isExclusive[i])) ? live.New(ownBytes) : -1;

            // The weights, and their gradient: a second thread's share of the sum, the sum, and what it is rearranged to.
            var recorded = record.Sum(live.Bytes);
            var moved = memory.Rearranges ? Moved(memory, ownBytes + recorded + (Weights(memory, 3) * trunk.WeightBytes[i]))
                : memory.RunsAgain == 0 ? 0
                : (ownBytes / trunk.ElementSize * (memory.RunsAgain + trunk.ElementSize)) + (tile.Patch(i)!.Value.IsPadded ? recorded : 0);
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
            records[i] = null;
        }
    }
}
