using StreamingCnn.Geometry;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning.Programs;

/// <summary>
/// Writes a tile's way backwards: the mirror of its way forwards, with every gradient let go of as soon as nothing more comes of it.
/// </summary>
internal sealed class BackwardCompiler
{
    private readonly TileLayout tile;
    private readonly DifferentiablePart differentiable;
    private readonly Sum[] sums;
    private readonly List<Instruction> instructions = [];

    private BackwardCompiler(TileLayout tile, DifferentiablePart differentiable)
    {
        this.tile = tile;
        this.differentiable = differentiable;
        sums = new Sum[Nodes.Count];
    }

    /// <summary>What there is of a map's gradient, if all that may come has come.</summary>
    private enum Sum
    {
        /// <summary>Nothing.</summary>
        None,

        /// <summary>A sum to whose memory others refer.</summary>
        Shared,

        /// <summary>A sum in memory of its own.</summary>
        Own,
    }

    private IReadOnlyList<GraphNode> Nodes => tile.Grid.Graph.Nodes;

    /// <summary>Writes the instructions of one kind of tile.</summary>
    /// <param name="tile">A tile of the kind.</param>
    /// <param name="keptFrom">The first node whose record was kept from the forward pass; the others are made when the first of them is
    /// needed.</param>
    /// <param name="differentiable">Which maps need a gradient.</param>
    public static IReadOnlyList<Instruction> Compile(TileLayout tile, int keptFrom, DifferentiablePart differentiable)
    {
        var compiler = new BackwardCompiler(tile, differentiable);
        var isComplete = false;
        for (var i = compiler.Nodes.Count - 1; i >= 0; i--)
        {
            if (!differentiable.Needs(i))
                continue;
            if (compiler.Nodes[i].IsSource)
            {
                compiler.WriteSource(i);
                continue;
            }

            if (!isComplete && tile.HasRecord(i) && i < keptFrom)
            {
                compiler.instructions.AddRange(ForwardCompiler.Again(tile, keptFrom, differentiable));
                compiler.Add(new ForgetStrips());
                isComplete = true;
            }

            if (tile.Roles.IsView(i))
                compiler.WriteView(compiler.Nodes[i]);
            else
                compiler.WriteComputed(compiler.Nodes[i]);
        }

        if (!isComplete)
            compiler.instructions.Insert(0, new ForgetStrips());
        return compiler.instructions;
    }

    private void WriteSource(int source)
    {
        if (sums[source] != Sum.None)
            Add(new AddWindowGradient(source, tile.RelativeWindow(source)));
    }

    private void WriteView(GraphNode node)
    {
        var i = node.Index;
        if (sums[i] == Sum.None)
        {
            if (tile.HasRecord(i))
                Add(new Discard(i));
            return;
        }

        Through(node, tile.Window(i), sums[i]);
    }

    private void WriteComputed(GraphNode node)
    {
        var i = node.Index;
        var rectangle = tile.IsUseful(i) ? tile.Rectangle(i) : null;
        var window = sums[i];
        if (window != Sum.None && tile.Grid.Carry(i) is not null && !(rectangle?.Contains(tile.Window(i)) ?? false))
            Add(new SendStrips(i));
        if (rectangle is not { } whole)
        {
            if (window != Sum.None)
                Add(new ReleaseGradient(i));
            return;
        }

        var own = Assemble(i, whole, window);
        if (own == Sum.None)
        {
            Add(new Discard(i));
            return;
        }

        Through(node, tile.Read(i), own);
    }

    /// <summary>
    /// The gradient of the tile's rectangle: from its own layers, from later tiles that read a part of it, and from outside where it is
    /// an output.
    /// </summary>
    private Sum Assemble(int node, Region rectangle, Sum window)
    {
        var region = tile.Relative(node, rectangle);
        var own = Sum.None;
        var inside = tile.Window(node).Intersect(rectangle);
        if (window != Sum.None && inside == rectangle)
        {
            Add(new CutGradient(node, region));
            own = window;
        }
        else if (window != Sum.None && !inside.IsEmpty)
        {
            Add(new ZeroGradient(node, region, tile.Relative(node, inside)));
            own = Sum.Own;
        }
        else if (window != Sum.None)
        {
            Add(new ReleaseGradient(node));
        }

        if (tile.StoresStrips(node))
        {
            Own();
            Add(new TakeStripGradients(node));
        }

        foreach (var (sink, owned) in tile.Sinks(node))
        {
            if (own == Sum.None && owned == rectangle)
            {
                Add(new ReadSinkGradient(sink, node, region, IsFirst: true));
                own = Sum.Shared;
                continue;
            }

            Own();
            Add(new ReadSinkGradient(sink, node, tile.Relative(node, owned), IsFirst: false));
        }

        return own;

        void Own()
        {
            if (own == Sum.None)
                Add(new ZeroGradient(node, region, default));
            else if (own == Sum.Shared)
                Add(new CopyGradient(node, region));
            own = Sum.Own;
        }
    }

    private void Through(GraphNode node, Region read, Sum own)
    {
        var i = node.Index;
        var memory = tile.Memory(i);
        var padded = memory.GradientIsPadded ? tile.Padded(i) : 0;
        Add(new Backpropagate(i, read.IsEmpty ? default : tile.Relative(node.Inputs[0], read), padded, memory.GradientIsFresh));
        Add(new ReleaseGradient(i));
        for (var operand = 0; operand < node.Inputs.Length && !read.IsEmpty; operand++)
        {
            var input = node.Inputs[operand];
            if (!differentiable.Needs(input))
                continue;
            var part = tile.Relative(input, read);
            if (Nodes[input] is { IsSource: true, IsStored: false })
                Add(new AddSourceGradient(input, operand, part));
            else
                Add(new AddGradient(input, operand, part, tile.RelativeWindow(input), Join(input, read, memory.GradientIsFresh)));
        }
    }

    private Joining Join(int input, Region part, bool isFresh)
    {
        var (sum, isWhole) = (sums[input], part == tile.Window(input));
        var joining = sum switch
        {
            Sum.None => isWhole ? Joining.Adopt : Joining.AddToZeros,
            Sum.Own => Joining.Add,
            _ => isWhole && isFresh ? Joining.AddSum : Joining.AddToCopy,
        };
        sums[input] = joining == Joining.Adopt && !isFresh ? Sum.Shared : Sum.Own;
        return joining;
    }

    private void Add(Instruction instruction) => instructions.Add(instruction);
}
