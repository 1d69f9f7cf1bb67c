using StreamingCnn.Geometry;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning.Programs;

/// <summary>
/// Goes through programs with blocks instead of tensors: windows that layers share, outputs that overwrite them, copies with padding,
/// what each record keeps, and gradients as
/// they come and go. What tiles leave for one another, sums of parameters' gradients and sinks are not a tile's.
/// </summary>
/// <param name="trunk">Bytes of a value, and of each layer's weights.</param>
internal sealed class ProgramMemory(TrunkCost trunk)
{
    private const int None = -1;

    private readonly LiveBytes live = new();
    private readonly Slots windows = new(trunk.Graph.Nodes.Count);
    private readonly Slots gradients = new(trunk.Graph.Nodes.Count);
    private readonly List<int>?[] records = new List<int>?[trunk.Graph.Nodes.Count];
    private readonly List<int> operands = [];
    private readonly List<int> parts = [];
    private int rectangle = None;
    private int own = None;

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
                    records[overwrite.Node] = [live.Share(windows[overwrite.Node])];
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
                ReleaseRecord(discard.Node);
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
            : 0;
        live.Touch(memory.WideCopy(bytes, trunk.ElementSize) + moved);
        if (compute.Records)
            Record(node.Index, memory, read, padded, rectangle);
        ReleaseOperands(padded);
    }

    private void Run(RecordAlone record, in LayerMemory memory)
    {
        var node = Node(record.Node);
        var (read, padded) = Read(node, record.Input, record.Padded, memory);
        Record(node.Index, memory, read, padded, None);
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
            Record(apply.Node, memory, [windows[node.Inputs[0]]], None, windows[apply.Node]);
    }

    private void Record(int node, in LayerMemory memory, int[] read, int padded, int output)
    {
        var held = new List<int>();
        if (memory.KeepsInput && !(padded >= 0 && memory.KeepsPaddedCopyOnly))
        {
            foreach (var (operand, block) in read.Index())
                held.Add(Kept(block, memory, Node(Node(node).Inputs[operand]) is { IsSource: true, IsStored: false }));
        }

        if (memory is { KeepsInput: true, RunsAgain: 0 } && padded >= 0)
            held.Add(live.Share(padded));
        if (memory.KeepsOutput)
            held.Add(Kept(output, memory, isSource: false));
        if (output >= 0 && memory.BytesBesides(live.Bytes(output), Node(node).Channels, trunk.ElementSize) is > 0 and var besides)
            held.Add(live.New(besides));
        records[node] = held;
    }

    /// <summary>What a record holds of a map: the map itself, or the layer's wider copy of it. Sources are as wide already.</summary>
    private int Kept(int block, in LayerMemory memory, bool isSource) => memory.WideElementSize > 0 && !isSource
        ? live.New(memory.Inside(live.Bytes(block), trunk.ElementSize))
        : live.Share(block);

    private void Run(Backpropagate back, in LayerMemory memory)
    {
        var node = Node(back.Node);
        var record = records[back.Node] ?? [];
        var gradient = own >= 0 ? own : gradients[back.Node];
        // The weights, and their gradient: a second thread's share of the sum, the sum, and what it is rearranged to.
        var (bytes, recorded) = (memory.Inside(live.Bytes(gradient), trunk.ElementSize), record.Sum(live.Bytes));
        // A wider copy of the gradient that comes in lasts as long as the layer runs.
        var wide = memory.WideCopy(live.Bytes(gradient), trunk.ElementSize);
        var moved = memory.Rearranges ? Moved(memory, bytes + recorded + (Weights(memory, 3) * trunk.WeightBytes[node.Index]))
            : memory.RunsAgain == 0 ? 0
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

        ReleaseRecord(back.Node);
    }

    private void ReleaseRecord(int node)
    {
        foreach (var block in records[node] ?? [])
            live.Release(block);
        records[node] = null;
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

    /// <summary>A block for each map, or none.</summary>
    private sealed class Slots
    {
        private readonly int[] blocks;

        public Slots(int count)
        {
            blocks = new int[count];
            Array.Fill(blocks, None);
        }

        public int this[int node]
        {
            get => blocks[node];
            set => blocks[node] = value;
        }

        public int Take(int node)
        {
            var block = blocks[node];
            blocks[node] = None;
            return block;
        }
    }
}
