using StreamingCnn.Geometry;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning.Programs;

/// <summary>
/// Goes through programs with blocks instead of tensors: windows that layers share, outputs that overwrite them, copies with padding, what
/// each record keeps, and gradients as they come and go. What tiles leave for one another, sums of parameters' gradients and sinks are not
/// a tile's.
/// </summary>
internal sealed class ProgramMemory
{
    private const int None = MapBlocks.None;

    private readonly TrunkCost trunk;
    private readonly LiveBytes live = new();
    private readonly MapBlocks windows;
    private readonly MapBlocks gradients;
    private readonly RecordBlocks records;
    private readonly List<int> operands = [];
    private readonly List<int> parts = [];
    private int rectangle = None;
    private int own = None;

    /// <param name="trunk">Bytes of a value, and of each layer's weights.</param>
    public ProgramMemory(TrunkCost trunk)
    {
        this.trunk = trunk;
        (windows, gradients) = (new(trunk.Graph.Nodes.Count), new(trunk.Graph.Nodes.Count));
        records = new(trunk, live);
    }

    /// <summary>Bytes alive.</summary>
    public long Now => live.Now;

    /// <summary>The most bytes alive so far, the library's own while a layer runs included.</summary>
    public long Peak => live.Peak;

    /// <summary>From now on the most is counted anew.</summary>
    public void ForgetPeak() => live.ForgetPeak();

    /// <summary>Runs all instructions.</summary>
    /// <param name="program">The program.</param>
    /// <param name="done">Told of each instruction and the bytes alive behind it; null for nobody.</param>
    public void Run(TileProgram program, Action<Instruction, long>? done = null)
    {
        foreach (var instruction in program.Instructions)
        {
            Step(instruction, program.Example);
            done?.Invoke(instruction, live.Now);
        }
    }

    private GraphNode Node(int node) => trunk.Graph.Nodes[node];

    /// <summary>Runs one instruction.</summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="tile">A tile of the kind.</param>
    public void Step(Instruction instruction, TileLayout tile)
    {
        switch (instruction)
        {
            case ReadSource read:
                operands.Add(live.New(read.Region.Area * Node(read.Source).Channels * trunk.SourceValueBytes));
                break;
            case ReadWindow read:
                windows[read.Source] = New(read.Source, read.Window);
                break;
            case Compute compute:
                Run(compute, tile.Memory(compute.Node));
                break;
            case RecordAlone record:
                Run(record, tile.Memory(record.Node));
                break;
            case Apply apply:
                Run(apply, tile.Memory(apply.Node));
                break;
            case Overwrite overwrite:
                windows[overwrite.Node] = live.Share(windows[Node(overwrite.Node).Inputs[0]]);
                if (overwrite.Records)
                    records.Share(overwrite.Node, windows[overwrite.Node]);
                break;
            case CutWindow cut:
                windows[cut.Node] = live.Share(rectangle);
                break;
            case GatherWindow gather:
                windows[gather.Node] = New(gather.Node, gather.LaidOut);
                break;
            case ReleaseWindow release:
                live.Release(windows.Take(release.Node));
                break;
            case ReleaseRectangle:
                Release(ref rectangle);
                break;
            case CutGradient cut:
                own = live.Share(gradients[cut.Node]);
                break;
            case ZeroGradient zero:
                own = New(zero.Node, zero.Region);
                break;
            case CopyGradient copy:
                var shared = own;
                own = New(copy.Node, copy.Region);
                live.Release(shared);
                break;
            case ReadSinkGradient { IsFirst: true } read:
                own = New(read.Node, read.Region);
                break;
            case Backpropagate back:
                Run(back, tile.Memory(back.Node));
                break;
            case Discard discard:
                records.Release(discard.Node);
                break;
            case ReleaseGradient release:
                Release(ref own);
                if (gradients[release.Node] >= 0)
                    live.Release(gradients.Take(release.Node));
                break;
            case AddGradient add:
                Join(add);
                break;
            case AddSourceGradient add:
                live.Release(parts[add.Operand]);
                break;
            case AddWindowGradient add:
                live.Release(gradients.Take(add.Source));
                break;
        }
    }

    private void Run(Compute compute, in LayerMemory memory)
    {
        var node = Node(compute.Node);
        var (read, padded) = Read(node, compute.Input, compute.Padded, memory);
        rectangle = memory.OutputIsPart && read.Length > 0 ? live.Share(read[0]) : New(compute.Node, compute.Output);
        var bytes = live.Bytes(rectangle) + read.Sum(live.Bytes);
        var moved = memory.Rearranges
            ? Moved(memory, memory.Inside(bytes, trunk.ElementSize) + (Weights(memory, 1) * trunk.WeightBytes[node.Index]))
            : (long)(memory.ValuesInside * memory.Inside(live.Bytes(rectangle), trunk.ElementSize));
        live.Touch(memory.WideCopy(bytes, trunk.ElementSize) + moved);
        if (compute.Records)
            records.Make(node.Index, memory, read, padded, rectangle);
        ReleaseOperands(padded);
    }

    private void Run(RecordAlone record, in LayerMemory memory)
    {
        var node = Node(record.Node);
        var (read, padded) = Read(node, record.Input, record.Padded, memory);
        records.Make(node.Index, memory, read, padded, None);
        ReleaseOperands(padded);
    }

    /// <summary>A layer's operands, and the copy of the first one with padding.</summary>
    private (int[] Operands, int Padded) Read(GraphNode node, Region input, long padded, in LayerMemory memory) => (
        input.IsEmpty ? [] : Operands(node),
        padded > 0 ? live.New(memory.Inside(padded * Node(node.Inputs[0]).Channels * trunk.ValueBytes, trunk.ElementSize)) : None);

    private void ReleaseOperands(int padded)
    {
        Release(ref padded);
        foreach (var source in operands)
            live.Release(source);
        operands.Clear();
    }

    /// <summary>The operands' blocks: sources' come in the order in which they were read.</summary>
    private int[] Operands(GraphNode node)
    {
        var next = 0;
        return Array.ConvertAll(
            node.Inputs, input => Node(input) is { IsSource: true, IsStored: false } ? operands[next++] : windows[input]);
    }

    private void Run(Apply apply, in LayerMemory memory)
    {
        var node = Node(apply.Node);
        windows[apply.Node] = memory.OutputIsPart ? live.Share(windows[node.Inputs[0]]) : New(apply.Node, apply.Window);
        if (apply.Records)
            records.Make(apply.Node, memory, [windows[node.Inputs[0]]], None, windows[apply.Node]);
    }

    private void Run(Backpropagate back, in LayerMemory memory)
    {
        var node = Node(back.Node);
        var gradient = own >= 0 ? own : gradients[back.Node];
        // The weights, and their gradient: a second thread's share of the sum, the sum, and what it is rearranged to.
        var (bytes, recorded) = (memory.Inside(live.Bytes(gradient), trunk.ElementSize), records.Bytes(back.Node));
        // A wider copy of the gradient that comes in lasts as long as the layer runs.
        var wide = memory.WideCopy(live.Bytes(gradient), trunk.ElementSize);
        var moved = memory.Rearranges ? Moved(memory, bytes + recorded + (Weights(memory, 3) * trunk.WeightBytes[node.Index]))
            : memory.RunsAgain == 0 ? (long)(memory.ValuesInsideBackward * bytes)
            : (bytes / trunk.ElementSize * (memory.RunsAgain + trunk.ElementSize)) + (back.Padded > 0 ? recorded : 0);
        live.Touch(wide + moved);
        parts.Clear();
        foreach (var input in node.Inputs)
        {
            if (!trunk.Differentiable.Needs(input) || back.Read.IsEmpty)
            {
                parts.Add(None);
                continue;
            }

            var area = back.Padded > 0 ? back.Padded : back.Read.Area;
            parts.Add(memory.GradientIsPart ? live.Share(gradient) : live.New(area * Node(input).Channels * trunk.ValueBytes));
            live.Touch(wide + moved + memory.WideCopy(live.Bytes(parts[^1]), trunk.ElementSize));
        }

        records.Release(back.Node);
    }

    private void Join(AddGradient add)
    {
        var part = parts[add.Operand];
        switch (add.Joining)
        {
            case Joining.Adopt:
                gradients[add.Node] = part;
                return;
            case Joining.AddSum:
                live.Release(gradients[add.Node]);
                gradients[add.Node] = part;
                return;
            case Joining.AddToZeros:
                gradients[add.Node] = New(add.Node, add.Window);
                break;
            case Joining.AddToCopy:
                var sum = gradients[add.Node];
                gradients[add.Node] = New(add.Node, add.Window);
                live.Release(sum);
                break;
        }

        live.Release(part);
    }

    private int New(int node, Region region) => live.New(region.Area * Node(node).Channels * trunk.ValueBytes);

    private void Release(ref int block)
    {
        if (block >= 0)
            live.Release(block);
        block = None;
    }

    /// <summary>
    /// What a layer takes while it runs: the library's copies, and its own with more channels, of which the library makes copies then.
    /// </summary>
    private static long Moved(in LayerMemory memory, long bytes) => memory.Growth > 0 ? (long)(2 * memory.Growth * bytes) : bytes;

    /// <summary>Tensors as large as the weights at a time.</summary>
    private static long Weights(in LayerMemory memory, long rearranged) => rearranged + (memory.MakesWeights ? 1 : 0);
}
