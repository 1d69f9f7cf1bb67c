namespace StreamingCnn.Planning;

/// <summary>
/// How many values the seams of all maps and channels hold while tiles run, for one image. What is stored at a tile, and what is read there
/// for the last or first time, is a sum of products of lengths along rows and along columns; these repeat, so that few pairs of a row and a
/// column are looked at.
/// </summary>
internal sealed class SeamMemory
{
    private const long MostOnTheWay = 64 << 20;

    private readonly TileOrder order;
    private readonly List<Term> terms = [];
    private readonly SeamKinds rows;
    private readonly SeamKinds columns;

    /// <param name="grid">The grid.</param>
    /// <param name="needs">Whether a map's gradient is needed.</param>
    public SeamMemory(GridPlan grid, Func<int, bool> needs)
    {
        order = grid.Order();
        foreach (var node in grid.Graph.Nodes)
        {
            if (grid.Carry(node.Index) is { } carry)
                Add(node.Index, carry, node.Channels, needs(node.Index));
        }

        rows = new SeamKinds(grid.Rows.Steps, step => terms.SelectMany(term => term.Rows.At(step)));
        columns = new SeamKinds(grid.Columns.Steps, step => terms.SelectMany(term => term.Columns.At(step)));
        Count();
    }

    /// <summary>The most at a tile where seams are freed once no later tile reads them.</summary>
    public long MostForward { get; private set; }

    /// <summary>The most that a tile stores.</summary>
    public long MostStored { get; private set; }

    /// <summary>The largest seam.</summary>
    public long Largest { get; private set; }

    /// <summary>What seams hold while each tile runs, in the order of tiles.</summary>
    /// <param name="counts">Which maps are counted; null for all.</param>
    public IEnumerable<SeamsHeld> Held(Func<int, bool>? counts = null)
    {
        var flows = new Flows(this, counts);
        long stored = 0, forward = 0, values = 0, gradients = 0;
        foreach (var (row, column) in order)
        {
            var flow = flows.At(row, column);
            stored += flow.Stored;
            forward += flow.Stored;
            values += flow.FirstRead;
            gradients += flow.GradientsTaken;
            yield return new(stored, forward, values, gradients - flow.GradientsMade, values - flow.FirstRead, gradients);
            forward -= flow.LastRead;
            gradients -= flow.GradientsMade;
        }
    }

    /// <summary>
    /// How many bytes may be on their way to where they wait while tiles run: what a tile stores, so that one tile's are written while
    /// the next is computed, up to a limit.
    /// </summary>
    /// <param name="valueBytes">Bytes of a value in every image of the batch.</param>
    public long OnTheWay(long valueBytes) => Math.Max(Math.Min(MostOnTheWay, MostStored * valueBytes), Largest * valueBytes);

    private void Count()
    {
        var flows = new Flows(this, null);
        foreach (var (row, column) in order)
            MostStored = Math.Max(MostStored, flows.At(row, column).Stored);
        foreach (var held in Held())
            MostForward = Math.Max(MostForward, held.Forward);
    }

    private void Add(int map, CarryPlan carry, long channels, bool needsGradient)
    {
        var (rows, columns) = (carry.Rows, carry.Columns);
        int[] own = carry.InStripe([.. Enumerable.Range(0, columns.Steps)]);
        foreach (var (edge, lengths, across) in carry.Parts)
        {
            // A right edge is read along its own row of tiles.
            var below = Array.ConvertAll(lengths, length => length * channels);
            Largest = Math.Max(Largest, below.Max() * across.Max());
            terms.Add(new(
                map,
                edge == TileEdge.Right ? new(below, below, below)
                    : SeamLengths.Of(below, rows.LastReader, edge == TileEdge.Bottom ? rows.NextReader : rows.FirstReader),
                SeamLengths.Of(
                    across,
                    own,
                    carry.InStripe(columns.LastReader),
                    carry.InStripe(edge == TileEdge.Right ? columns.NextReader : columns.FirstReader)),
                needsGradient));
        }
    }

    /// <summary>What comes and goes of some maps, tile by tile.</summary>
    private sealed class Flows(SeamMemory memory, Func<int, bool>? counts)
    {
        private readonly Term[] terms = [.. memory.terms.Where(term => counts?.Invoke(term.Map) != false)];
        private readonly SeamFlow?[,] known = new SeamFlow?[memory.rows.Count, memory.columns.Count];

        public SeamFlow At(int row, int column)
        {
            ref var flow = ref known[memory.rows.Of(row), memory.columns.Of(column)];
            return flow ??= Sum(row, column);
        }

        private SeamFlow Sum(int row, int column)
        {
            var flow = default(SeamFlow);
            foreach (var (_, along, across, needsGradient) in terms)
            {
                var stored = along.Stored[row] * across.Stored[column];
                var lastRead = along.LastRead[row] * across.LastRead[column];
                flow = new(
                    flow.Stored + stored,
                    flow.LastRead + lastRead,
                    flow.FirstRead + (along.FirstRead[row] * across.FirstRead[column]),
                    flow.GradientsTaken + (needsGradient ? stored : 0),
                    flow.GradientsMade + (needsGradient ? lastRead : 0));
            }

            return flow;
        }
    }

    private sealed record Term(int Map, SeamLengths Rows, SeamLengths Columns, bool NeedsGradient);

    /// <summary>What comes and goes at a tile.</summary>
    private readonly record struct SeamFlow(long Stored, long LastRead, long FirstRead, long GradientsTaken, long GradientsMade);
}

/// <summary>Values that seams hold while a tile runs.</summary>
/// <param name="Stored">With a backward pass to come that reads them all once more, what the tile stores included.</param>
/// <param name="Forward">Without a backward pass, what the tile stores included: each is freed when no later tile reads it.</param>
/// <param name="Values">On the way back, until the tile is computed again: what it or one before it reads.</param>
/// <param name="GradientsBefore">Gradients meanwhile.</param>
/// <param name="ValuesLeft">On the way back, when the tile is computed again: what one before it reads.</param>
/// <param name="Gradients">Gradients then: those that were sent to the tile, and those that it or one behind it sends to others.</param>
internal readonly record struct SeamsHeld(long Stored, long Forward, long Values, long GradientsBefore, long ValuesLeft, long Gradients);
