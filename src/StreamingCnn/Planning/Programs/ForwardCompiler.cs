using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;

namespace StreamingCnn.Planning.Programs;

/// <summary>
/// Writes a tile's way forwards: backwards through the network, what serves the goal; then forwards, what is done. The last reader of a
/// window lets go of it.
/// </summary>
internal sealed class ForwardCompiler
{
    private readonly TileLayout tile;
    private readonly int keptFrom;
    private readonly bool again;
    private readonly DifferentiablePart differentiable;
    private readonly bool[] computes;
    // Of each map how many layers are still to read it, and how many read it in all.
    private readonly int[] uses;
    private int[] readers = [];
    private readonly bool[] isExclusive;
    private readonly bool[] isLaidOut;
    private readonly bool[] isThere;
    private readonly List<Instruction> instructions = [];

    private ForwardCompiler(TileLayout tile, int keptFrom, bool again, DifferentiablePart differentiable)
    {
        this.tile = tile;
        this.keptFrom = keptFrom;
        this.again = again;
        this.differentiable = differentiable;
        var nodes = Nodes.Count;
        (computes, uses) = (new bool[nodes], new int[nodes]);
        (isExclusive, isLaidOut, isThere) = (new bool[nodes], new bool[nodes], new bool[nodes]);
    }

    private IReadOnlyList<GraphNode> Nodes => tile.Grid.Graph.Nodes;

    /// <summary>Writes what one kind of tile does in the forward pass, in which strips and outputs leave it.</summary>
    /// <param name="tile">A tile of the kind.</param>
    /// <param name="keptFrom">The first node whose record is kept for its way backwards.</param>
    /// <param name="differentiable">Which maps need a gradient: layers of others are never recorded.</param>
    public static IReadOnlyList<Instruction> Forward(TileLayout tile, int keptFrom, DifferentiablePart differentiable) =>
        new ForwardCompiler(tile, keptFrom, again: false, differentiable).Compile();

    /// <summary>Writes how one kind of tile makes the records that were not kept.</summary>
    /// <inheritdoc cref="Forward"/>
    public static IReadOnlyList<Instruction> Again(TileLayout tile, int keptFrom, DifferentiablePart differentiable) =>
        new ForwardCompiler(tile, keptFrom, again: true, differentiable).Compile();

    private List<Instruction> Compile()
    {
        for (var node = Nodes.Count - 1; node >= 0; node--)
            Trace(Nodes[node]);
        readers = [.. uses];
        foreach (var node in Nodes)
            Write(node);
        return instructions;
    }

    private bool Records(int node) => node >= keptFrom != again && differentiable.Needs(node) && tile.HasRecord(node);

    /// <summary>Finds out whether a layer runs, when all that may read its map are known.</summary>
    private void Trace(GraphNode node)
    {
        var i = node.Index;
        if (node.IsSource)
            return;
        var (isView, records) = (tile.Roles.IsView(i), Records(i));
        var isWanted = uses[i] > 0;
        if (isView)
            computes[i] = isWanted;
        else if (tile.Rectangle(i) is { } rectangle && tile.IsUseful(i))
            // A window may lie in strips alone.
            computes[i] = (!again && tile.Leaves(i)) || (isWanted && !rectangle.Intersect(tile.Window(i)).IsEmpty);
        computes[i] |= records && !tile.Memory(i).FollowsFromInput;
        if (!(computes[i] || records) || (!isView && tile.Read(i).IsEmpty))
            return;
        foreach (var input in node.Inputs)
            uses[input]++;
    }

    private void Write(GraphNode node)
    {
        var i = node.Index;
        if (node.IsSource)
            return;
        if (tile.Roles.IsView(i))
            WriteView(node);
        else
            WriteComputed(node);
    }

    private void WriteView(GraphNode node)
    {
        var (i, below) = (node.Index, node.Inputs[0]);
        var (window, records) = (tile.RelativeWindow(i), Records(i));
        if (!computes[i] && !records)
            return;
        Want(below);
        // Only where nobody else reads the window, or has read it: another reader's record, or a slice of it, may still refer to its
        // memory.
        if (node.Layer is IOverwritingLayer && isExclusive[below] && readers[below] == 1)
        {
            Add(new Overwrite(i, window, records));
            isExclusive[i] = !records;
            isLaidOut[i] = isLaidOut[below];
        }
        else
        {
            Add(new Apply(i, window, records));
            isExclusive[i] = tile.IsFresh(i, records);
        }

        Release(below);
        if (uses[i] == 0)
            Add(new ReleaseWindow(i));
    }

    private void WriteComputed(GraphNode node)
    {
        var i = node.Index;
        var records = Records(i);
        if (computes[i] || records)
        {
            var read = tile.Read(i);
            for (var operand = 0; operand < node.Inputs.Length && !read.IsEmpty; operand++)
            {
                var below = node.Inputs[operand];
                if (Nodes[below].IsStored)
                    Want(below);
                else if (Nodes[below].IsSource)
                    Add(new ReadSource(below, operand, tile.Relative(below, read)));
            }

            var (output, input) = (tile.Relative(i, tile.Rectangle(i)!.Value), tile.Relative(node.Inputs[0], read));
            var isPadded = isLaidOut[node.Inputs[0]] && tile.IsPaddedWithZeros(i);
            var padded = isPadded ? 0 : tile.Padded(i);
            Add(computes[i]
                ? new Compute(i, output, input, padded, isPadded, records)
                : new RecordAlone(i, output, input, padded, isPadded));
            if (!again)
                Emit(i);
            foreach (var operand in read.IsEmpty ? [] : node.Inputs)
                Release(operand);
        }

        if (uses[i] > 0)
            WriteWindow(i);
        if (computes[i])
            Add(new ReleaseRectangle(i));
    }

    /// <summary>Reads a stored source's window, when its first reader comes.</summary>
    private void Want(int node)
    {
        if (!Nodes[node].IsStored || isThere[node])
            return;
        Add(new ReadWindow(node, tile.RelativeWindow(node)));
        isThere[node] = true;
    }

    private void Emit(int node)
    {
        if (tile.StoresStrips(node))
            Add(new StoreStrips(node));
        foreach (var (sink, owned) in tile.Sinks(node))
            Add(new WriteSink(sink, node, tile.Relative(node, owned)));
    }

    private void WriteWindow(int node)
    {
        var (wanted, laidOut) = (tile.Window(node), tile.LaidOut(node));
        var own = computes[node] ? tile.Rectangle(node)!.Value : default;
        if (own.Contains(laidOut))
        {
            Add(new CutWindow(node, tile.RelativeWindow(node)));
            isExclusive[node] = tile.IsFresh(node, Records(node));
        }
        else
        {
            Add(new GatherWindow(
                node, tile.RelativeWindow(node), tile.Relative(node, own.Intersect(wanted)), tile.Relative(node, laidOut)));
            isExclusive[node] = true;
            isLaidOut[node] = laidOut != wanted;
        }
    }

    private void Release(int node)
    {
        if (--uses[node] == 0 && Nodes[node] is not { IsSource: true, IsStored: false })
            Add(new ReleaseWindow(node));
    }

    private void Add(Instruction instruction) => instructions.Add(instruction);
}
