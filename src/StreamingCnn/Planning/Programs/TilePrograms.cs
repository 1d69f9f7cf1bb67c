using System.Runtime.InteropServices;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning.Programs;

/// <summary>
/// The programs of a grid's tiles, written when a kind of tile is first met: tiles in the middle of an image are alike, but for the
/// image's border and the phase of strides.
/// </summary>
internal sealed class TilePrograms
{
    private readonly GridPlan grid;
    private readonly DifferentiablePart differentiable;
    private readonly TileKinds rows;
    private readonly TileKinds columns;
    private readonly TileLayout?[,] frames;
    private readonly Dictionary<(int Row, int Column, int KeptFrom), (TileProgram? Forward, TileProgram? Backward)> programs = [];

    /// <param name="grid">The grid.</param>
    /// <param name="differentiable">Which maps need a gradient.</param>
    public TilePrograms(GridPlan grid, DifferentiablePart differentiable)
    {
        this.grid = grid;
        this.differentiable = differentiable;
        (rows, columns) = (new TileKinds(grid, Axis.Rows), new TileKinds(grid, Axis.Columns));
        frames = new TileLayout?[rows.Count, columns.Count];
    }

    /// <summary>The grid.</summary>
    public GridPlan Grid => grid;

    /// <summary>All kinds of tiles, each a kind along rows and one along columns.</summary>
    public IEnumerable<(int Row, int Column)> Kinds()
    {
        for (var row = 0; row < rows.Count; row++)
        {
            for (var column = 0; column < columns.Count; column++)
                yield return (row, column);
        }
    }

    /// <summary>The kind of a tile.</summary>
    public (int Row, int Column) KindOf((int Row, int Column) tile) => (rows.Of(tile.Row), columns.Of(tile.Column));

    /// <summary>How many tiles are of a kind, of those that this process runs.</summary>
    public long Tiles((int Row, int Column) kind) => (long)rows.Steps(kind.Row) * columns.Steps(kind.Column);

    /// <summary>The different lengths, padding included, that a layer reads along each axis.</summary>
    public (IReadOnlyList<long> Rows, IReadOnlyList<long> Columns) Reads(int node) =>
        (rows.Reads(grid.Rows, node), columns.Reads(grid.Columns, node));

    /// <summary>The integers of a tile of the kind.</summary>
    public TileLayout Example((int Row, int Column) kind)
    {
        lock (frames)
            return frames[kind.Row, kind.Column] ??= new TileLayout(grid, rows.Example(kind.Row), columns.Example(kind.Column));
    }

    /// <summary>What tiles of a kind do in the forward pass.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="keptFrom">The first node whose layer is recorded for the backward pass; the number of nodes for none.</param>
    public TileProgram Forward((int Row, int Column) kind, int keptFrom)
    {
        lock (frames)
        {
            ref var found = ref CollectionsMarshal.GetValueRefOrAddDefault(programs, (kind.Row, kind.Column, keptFrom), out _);
            return found.Forward ??= ForwardOnce(kind, keptFrom);
        }
    }

    /// <summary>What tiles of a kind do in the backward pass.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="keptFrom">The first node whose record is there from the forward pass.</param>
    public TileProgram Backward((int Row, int Column) kind, int keptFrom)
    {
        lock (frames)
        {
            ref var found = ref CollectionsMarshal.GetValueRefOrAddDefault(programs, (kind.Row, kind.Column, keptFrom), out _);
            return found.Backward ??= BackwardOnce(kind, keptFrom);
        }
    }

    /// <summary>What a tile does in the forward pass that is of no kind, since a part of it is asked for alone.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="keptFrom">The first node whose layer is recorded for the backward pass; the number of nodes for none.</param>
    public TileProgram ForwardOf(TileLayout tile, int keptFrom) => new(tile, ForwardCompiler.Forward(tile, keptFrom, differentiable));

    /// <summary>What such a tile does in the backward pass.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="keptFrom">The first node whose record is there from the forward pass.</param>
    public TileProgram BackwardOf(TileLayout tile, int keptFrom) => new(tile, BackwardCompiler.Compile(tile, keptFrom, differentiable));

    /// <summary>
    /// The same for somebody who goes through it once, as planning does for whatever may be kept: remembered, all of these would take
    /// more memory than a small network's step.
    /// </summary>
    /// <inheritdoc cref="Forward"/>
    public TileProgram ForwardOnce((int Row, int Column) kind, int keptFrom) => ForwardOf(Example(kind), keptFrom);

    /// <inheritdoc cref="ForwardOnce"/>
    /// <inheritdoc cref="Backward"/>
    public TileProgram BackwardOnce((int Row, int Column) kind, int keptFrom) => BackwardOf(Example(kind), keptFrom);
}
