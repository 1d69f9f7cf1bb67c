namespace StreamingCnn.Planning;

/// <summary>What a step over a grid costs in time and memory, from integers alone; tiles of a kind are looked at once.</summary>
internal sealed class StepModel
{
    /// <summary>Bytes of the tensors' heap for each byte alive in a tile: gaps between blocks of different sizes. Measured.</summary>
    public const double Gaps = 1.1;

    // oneDNN's: its cache of primitives, and the code of one of them, measured. Forwards, and backwards to the operand and to the weights.
    private const long ConvolutionsKept = 1024;
    private const long CodeOfConvolution = 28 << 10;
    private const long PassesOfConvolution = 3;

    // Small tensors, buffers of threads, and what .NET takes while a step runs; measured.
    private const long AnyStep = 16 << 20;

    private readonly GridPlan grid;
    private readonly TrunkCost trunk;
    private readonly TileClasses rows;
    private readonly TileClasses columns;
    private readonly TileLayout?[,] tiles;
    private readonly TileMemory?[,] memories;
    private readonly TileTime?[,] times;
    private readonly bool mapsAnew;
    private readonly long largestPeak;

    // What any step takes, and the code that the library makes for convolutions, for every shape anew; it keeps that of so many.
    private readonly long otherBytes;

    /// <param name="grid">The grid.</param>
    /// <param name="trunk">What is the same for every grid.</param>
    /// <param name="mapsAnew">Whether large tensors are fresh memory each time, as in conventional backpropagation.</param>
    public StepModel(GridPlan grid, TrunkCost trunk, bool mapsAnew = false)
    {
        this.grid = grid;
        this.trunk = trunk;
        this.mapsAnew = mapsAnew;
        rows = new TileClasses(grid.Rows);
        columns = new TileClasses(grid.Columns);
        tiles = new TileLayout?[rows.Count, columns.Count];
        memories = new TileMemory?[rows.Count, columns.Count];
        times = new TileTime?[rows.Count, columns.Count];
        var (forward, backward) = MostCarried();
        CarryBytes = forward;
        StripBytes = Math.Max(0, backward - forward);
        CarryElsewhereBytes = trunk.CarryIsElsewhere ? grid.CarriedValues * trunk.ValueBytes : 0;
        OutputBytes = grid.Graph.Outputs.Sum(node => grid.Size(node).Height * grid.Size(node).Width * grid.Graph.Nodes[node].Channels) * trunk.ValueBytes;
        var convolutions = PassesOfConvolution * rows.Count * columns.Count * grid.Graph.Nodes.Count(node => trunk.Work[node.Index] > 0);
        otherBytes = AnyStep + (CodeOfConvolution * Math.Min(ConvolutionsKept, convolutions));
        foreach (var (row, column, _) in Kinds())
            largestPeak = Math.Max(largestPeak, Memory(row, column).Peak);
    }

    /// <summary>Bytes carried for the backward pass, as far as they are in the memory that is counted.</summary>
    public long CarryBytes { get; }

    /// <summary>Bytes carried that wait in the host's memory or in a file.</summary>
    public long CarryElsewhereBytes { get; }

    /// <summary>Bytes that gradients of what is carried add to it.</summary>
    public long StripBytes { get; }

    /// <summary>Bytes of the outputs.</summary>
    public long OutputBytes { get; }

    /// <summary>Bytes of the largest tile's recomputation and backward pass.</summary>
    public long TileBytes => (long)(largestPeak * (mapsAnew ? 1 : Gaps)) + otherBytes;

    /// <summary>Bytes of a step when nothing but the last tile's tape is kept.</summary>
    public long LeastBytes => BytesBesides + TileBytes;

    /// <summary>Bytes that are the same however much is kept, but for the work on a tile.</summary>
    private long BytesBesides => trunk.ParameterBytes + CarryBytes + StripBytes + (2 * OutputBytes);

    /// <summary>Chooses what to keep within a budget for the whole step.</summary>
    public KeptLayers Keep(long budget) =>
        KeptLayers.Choose(grid, (row, column) => Memory(rows.Of(row), columns.Of(column)), (long)((budget - BytesBesides - otherBytes) / Gaps));

    /// <summary>Bytes of a step that keeps some records.</summary>
    public long Bytes(KeptLayers kept) => BytesBesides + otherBytes + (long)(kept.Bytes * Gaps);

    /// <summary>Seconds of the forward pass.</summary>
    public double Forward => Kinds().Sum(kind => kind.Tiles * Time(kind.Row, kind.Column).Forward);

    /// <summary>Seconds of the backward pass, recomputation left out.</summary>
    public double Backward => Kinds().Sum(kind => kind.Tiles * Time(kind.Row, kind.Column).Backward);

    /// <summary>Seconds of computing again what was not kept.</summary>
    public double Recompute(KeptLayers kept)
    {
        if (kept.IsAll)
            return 0;
        return Kinds().Sum(kind => kind.Tiles * Time(kind.Row, kind.Column).Recompute(kept.Cut))
            - kept.Last.Sum(tile => Time(rows.Of(tile.Row), columns.Of(tile.Column)).Recompute(kept.Cut));
    }

    /// <summary>Seconds of a step that keeps some records.</summary>
    public double Seconds(KeptLayers kept) => Forward + Backward + Recompute(kept);

    /// <summary>The most bytes that are carried in the memory that is counted: until the forward pass has ended, and in the backward pass with gradients.</summary>
    private (long Forward, long Backward) MostCarried()
    {
        var seams = new SeamMemory(grid, trunk.Differentiable.Needs);
        if (!trunk.CarryIsElsewhere)
            return (grid.CarriedValues * trunk.ValueBytes, seams.MostBackward * trunk.ValueBytes);
        long forward = 0, backward = 0;
        foreach (var (atHand, held) in new SeamResidence(grid).AtHand().Zip(seams.Held()))
        {
            forward = Math.Max(forward, atHand.Forward);
            backward = Math.Max(backward, Math.Max(atHand.Recomputing + held.GradientsBefore, atHand.Reversing + held.Gradients));
        }

        return ((forward * trunk.ValueBytes) + seams.OnTheWay(trunk.ValueBytes), (backward * trunk.ValueBytes) + seams.OnTheWay(trunk.ValueBytes));
    }

    private IEnumerable<(int Row, int Column, long Tiles)> Kinds()
    {
        for (var row = 0; row < rows.Count; row++)
        {
            for (var column = 0; column < columns.Count; column++)
                yield return (row, column, (long)rows.Steps(row) * columns.Steps(column));
        }
    }

    private TileMemory Memory(int row, int column) => memories[row, column] ??= new TileMemory(grid, Tile(row, column), trunk);

    private TileTime Time(int row, int column) => times[row, column] ??= new TileTime(grid, Tile(row, column), trunk, mapsAnew);

    private TileLayout Tile(int row, int column) => tiles[row, column] ??= grid.Tile(rows.Example(row), columns.Example(column));
}
