using System.Globalization;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning.Programs;

namespace StreamingCnn.Planning;

/// <summary>
/// Finds the fastest way to stay within a memory budget: the tile's size, whether late maps advance with every few tiles only, and what is
/// kept from the forward pass. All candidates are compared by the same model of time and memory.
/// </summary>
internal sealed class Planner
{
    private const int Smallest = 32;
    private const int SidesTried = 7;
    private const int SmallestLateStep = 384;

    // Tiles that late maps may wait for.
    private static readonly int[] Periods = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48];

    // A given tile says how much memory a tile may take; late maps that advance in larger steps may add this share. With it, small tiles
    // take no longer than large ones.
    private const double WorthLateMaps = 1.5;

    // Twice the memory has to save seven percent of the time.
    private const double PriceOfMemory = 0.1;

    // Tiles beyond the border cost time: each runs all late layers on a few positions. They must spare some memory to be worth it.
    private const double WorthTilesBeyondBorder = 0.75;

    private readonly NetworkGraph graph;
    private readonly StreamingOptions options;
    private readonly TrunkCost trunk;
    private readonly AxisNetwork rows;
    private readonly AxisNetwork columns;
    private readonly long[] sides;
    private readonly int processes;
    private readonly Dictionary<int, long> leastBytes = [];

    private Planner(NetworkGraph graph, StreamingOptions options, TrunkCost trunk, IReadOnlyList<(long Height, long Width)> sources)
    {
        this.graph = graph;
        this.options = options;
        this.trunk = trunk;
        (rows, columns) = AxisNetwork.Of(graph, sources);
        sides = [.. Sides(Math.Max(Height, Width))];
        processes = options.Processes;
    }

    // Bytes that a step may be expected to take.
    private long? BudgetOfStep => options.MemoryBudget is { } budget ? StepModel.Within(budget) : null;

    private long Height => rows.PaceLength;

    private long Width => columns.PaceLength;

    /// <summary>Plans sources of the given sizes.</summary>
    /// <exception cref="InsufficientMemoryException">Nothing fits into the budget; the message names the smallest budget that would
    /// do.</exception>
    /// <exception cref="UnsupportedLayerException">The network cannot be applied to sources of these sizes.</exception>
    public static StepPlan Choose(
        NetworkGraph graph, StreamingOptions options, TrunkCost trunk, params IReadOnlyList<(long Height, long Width)> sources) =>
        new Planner(graph, options, trunk, sources).Choose();

    /// <summary>
    /// The smallest budget in bytes within which a tile fits; every larger one is accepted, too. The options' own tile plays no part.
    /// </summary>
    /// <exception cref="UnsupportedLayerException">The network cannot be applied to sources of these sizes.</exception>
    public static long SmallestBudget(
        NetworkGraph graph, StreamingOptions options, TrunkCost trunk, params IReadOnlyList<(long Height, long Width)> sources) =>
        new Planner(graph, options, trunk, sources).SmallestBudget();

    /// <summary>The plan that takes least.</summary>
    public static StepPlan Least(
        NetworkGraph graph, StreamingOptions options, TrunkCost trunk, params IReadOnlyList<(long Height, long Width)> sources)
    {
        var planner = new Planner(graph, options, trunk, sources);
        return planner.Plan(planner.Plain(Enumerable.Range(0, planner.sides.Length).MinBy(planner.LeastBytes)), budget: 0);
    }

    private long SmallestBudget() => StepModel.BudgetFor(Enumerable.Range(0, sides.Length).Min(LeastBytes));

    private StepPlan Choose()
    {
        if (options.Tile is { } tile)
        {
            var candidate = options.Mode == StreamingMode.Overlap ? Overlap(tile) : WithTile(tile);
            return Plan(candidate, BudgetOfStep ?? candidate.Model.NothingKeptBytes);
        }

        var given = options.MemoryBudget ?? StreamingOptions.DefaultMemoryBudget;
        var budget = StepModel.Within(given);
        var whole = Plain(0);
        if (processes == 1 && Math.Max(whole.Model.AllKeptBytes, whole.Model.EndBytes) <= budget)
            return Plan(whole, budget);

        var largest = whole.Model.LeastBytes <= budget ? 0 : LargestThatFits(budget, given);
        var search = new Search((candidate, least) => candidate.Seconds(budget, least));
        if (processes == 1)
        {
            search.Try(Enumerable.Range(largest, Math.Min(SidesTried, sides.Length - largest)).SelectMany(Candidates));
        }
        else
        {
            search.Try(Plain(largest));
            search.Try(StripeTiles.Of(sides, Height, Width, processes).Select(tile => ExactlyOnce(tile, [])));
            search.Try(StripeTiles.Lower(sides, search.Best!.Tile).SelectMany(tile =>
                Levels(tile).Select(level => ExactlyOnce(tile, [level]))));
        }

        TryFurtherLevels(search);
        return Plan(search.Best!, budget);
    }

    /// <summary>
    /// Index of the largest side below the whole whose tile fits. Memory grows with the side, but for tiles so small
    /// that the carry outweighs them. Images below 40 pixels have no such side.
    /// </summary>
    /// <param name="budget">Bytes that a step may be expected to take, too few for the whole in one piece.</param>
    /// <param name="given">The budget that they are of.</param>
    private int LargestThatFits(long budget, long given)
    {
        var (first, last) = (1, sides.Length);
        while (first < last)
        {
            var middle = (first + last) / 2;
            (first, last) = Fits(middle) ? (first, middle) : (middle + 1, last);
        }

        if (first < sides.Length)
            return first;
        // The smallest tiles may take more than larger ones: look at all that are left before giving up.
        for (var i = sides.Length - 1; i > 0; i--)
        {
            if (Fits(i))
                return i;
        }

        throw new InsufficientMemoryException(string.Create(
            CultureInfo.InvariantCulture,
            $"No tile fits into the memory budget of {given >> 20} MiB for an image of {Height} x {Width} pixels; "
            + $"the smallest budget that one fits into is {Division.Ceiling(SmallestBudget(), 1 << 20)} MiB"
            + $"{(trunk.CarryIsElsewhere ? "" : ", less with the carry in a file")}."));

        bool Fits(int side) => LeastBytes(side) <= budget;
    }

    /// <summary>Bytes that the plain way with tiles of a side takes at least.</summary>
    private long LeastBytes(int side)
    {
        if (!leastBytes.TryGetValue(side, out var bytes))
            leastBytes.Add(side, bytes = Plain(side).Model.LeastBytes);
        return bytes;
    }

    private Candidate Plain(int side) => options.Mode == StreamingMode.Overlap ? Overlap(Square(side)) : ExactlyOnce(Square(side), []);

    /// <summary>
    /// Ways to go through the image with tiles of about this size. A square tile leaves a smaller one at the image's end, where late maps
    /// have more to do; where these wait, tiles that divide the image evenly may be smaller.
    /// </summary>
    private IEnumerable<Candidate> Candidates(int side)
    {
        yield return Plain(side);
        var even = (Even(Height, sides[side]), Even(Width, Square(side).Width));
        foreach (var late in Levels((sides[side], sides[side])))
        {
            yield return ExactlyOnce(Square(side), [late]);
            if (even != Square(side))
                yield return ExactlyOnce(even, [late]);
        }
    }

    private (long Height, long Width) Square(int side) =>
        (Math.Min(sides[side], Height), Math.Min(sides[side], Division.Ceiling(Width, processes)));

    /// <summary>The smallest multiple of 32 that divides a length into as many tiles as a side does.</summary>
    private static long Even(long length, long side)
    {
        var tiles = Division.Ceiling(length, side);
        return Math.Min(length, Division.Ceiling(Division.Ceiling(length, tiles), Smallest) * Smallest);
    }

    /// <summary>
    /// The grid for a tile that was asked for: late maps advance in larger steps where the time that they save is worth the memory, within
    /// the budget, or up to <see cref="WorthLateMaps"/> on top of the plain grid's where none was given.
    /// </summary>
    private Candidate WithTile((int Height, int Width) tile)
    {
        if (options.LateMaps is not null)
            return ExactlyOnce(tile, options.LateMaps);
        var plain = ExactlyOnce(tile, []);
        var allowed = BudgetOfStep ?? plain.Model.NothingKeptBytes * (1 + WorthLateMaps);
        var search = new Search((candidate, _) => candidate.Model.NothingKeptBytes is var bytes && (bytes <= allowed || candidate == plain)
            ? candidate.Seconds(BudgetOfStep ?? bytes) * Math.Pow(bytes, PriceOfMemory)
            : double.PositiveInfinity);
        search.Try(plain);
        TryFurtherLevels(search);
        return search.Best!;
    }

    /// <summary>Has ever more levels of late maps wait, as long as that costs less.</summary>
    private void TryFurtherLevels(Search search)
    {
        for (var before = default(Candidate); before != search.Best;)
        {
            before = search.Best!;
            search.Try(OneLevelMore(before));
        }
    }

    /// <summary>The candidate with another level between, before or behind its own.</summary>
    private IEnumerable<Candidate> OneLevelMore(Candidate candidate)
    {
        var present = candidate.Grid.Late.Levels;
        return Levels(candidate.Tile)
            .Where(level => present.All(other => Math.Sign(level.Stride - other.Stride) * Math.Sign(level.Period - other.Period) > 0))
            .Select(level => ExactlyOnce(candidate.Tile, [.. present.Append(level).Order()]));
    }

    /// <summary>
    /// Ways for late maps to advance as with a larger tile while early ones keep the small one. Periods that make as many shares are the
    /// same. Overlapping tiles have no late maps.
    /// </summary>
    private IEnumerable<(int Stride, int Period)> Levels((long Height, long Width) tile)
    {
        var side = Math.Min(tile.Height, tile.Width);
        if (side >= Math.Max(Height, Width) || options.Mode == StreamingMode.Overlap)
            return [];
        var periods = Periods.Where(period => period * side > SmallestLateStep)
            .DistinctBy(period => (LateMaps.Shares(Height, period * side), LateMaps.Shares(Width, period * side)));
        return LateMaps.Strides(rows).SelectMany(stride => periods.Select(period => (stride, period)));
    }

    private Candidate ExactlyOnce((long Height, long Width) tile, IReadOnlyList<(int Stride, int Period)> late)
    {
        var within = Make(beyondBorder: false);
        if (4 * ExactlyOnceLayout.Lag(rows) < tile.Height && 4 * ExactlyOnceLayout.Lag(columns) < tile.Width)
            return within;
        var beyond = Make(beyondBorder: true);
        return Bytes(beyond) < WorthTilesBeyondBorder * Bytes(within) ? beyond : within;

        long Bytes(Candidate candidate) => candidate.Model.NothingKeptBytes - trunk.ParameterBytes;

        Candidate Make(bool beyondBorder)
        {
            var grid = GridPlan.ExactlyOnce(rows, columns, tile, beyondBorder, late);
            return processes == 1 ? new(grid, new StepModel(grid, trunk), tile) : Shared(grid, tile);
        }
    }

    /// <summary>What the widest of several processes' stripes takes, and the time of all of them.</summary>
    private Candidate Shared(GridPlan grid, (long Height, long Width) tile)
    {
        var (stripes, time) = new StripeBalance(new TilePrograms(grid, trunk.Differentiable), trunk).Of(processes, options.Processors);
        return new(grid, new StepModel(grid.Within(stripes.Widest), trunk), tile) { Stripes = stripes, Time = time };
    }

    private Candidate Overlap((long Height, long Width) tile)
    {
        var grid = GridPlan.Overlap(rows, columns, tile);
        return new(grid, new StepModel(grid, trunk), tile);
    }

    private StepPlan Plan(Candidate candidate, long budget)
    {
        var kept = candidate.Model.Keep(budget);
        if (candidate.Stripes is not { } stripes)
            return new(candidate.Grid, candidate.Model.Programs, kept, candidate.Tile) { HeapBytes = candidate.Model.HeapBytes(kept) };

        // The tiles are all processes'; what each keeps of its own it chooses by itself.
        var own = candidate.Grid.Within(stripes.Of(options.Process));
        var model = own.Stripe.IsEmpty ? candidate.Model : new StepModel(own, trunk);
        var ownKept = own.Stripe.IsEmpty ? kept : model.Keep(budget);
        return new(own, model.Programs, ownKept, candidate.Tile)
        {
            HeapBytes = model.HeapBytes(ownKept),
            Shared = new(stripes, kept, candidate.Time),
        };
    }

    /// <summary>Tile sides to try, largest first: the whole image, then multiples of 32 that shrink by a fifth.</summary>
    private static IEnumerable<long> Sides(long longest)
    {
        yield return longest;
        for (var side = Shrunk(longest); side >= Smallest; side = Math.Min(side - Smallest, Shrunk(side)))
            yield return side;

        static long Shrunk(long side) => side * 4 / 5 / Smallest * Smallest;
    }

    /// <summary>The best of all that were tried.</summary>
    /// <param name="cost">What a candidate costs, exactly only where that is less than a number.</param>
    private sealed class Search(Func<Candidate, double, double> cost)
    {
        private double least = double.PositiveInfinity;

        /// <summary>The one that costs least; the first one where none costs a finite amount.</summary>
        public Candidate? Best { get; private set; }

        /// <summary>Looks whether one of these costs less.</summary>
        public void Try(params IEnumerable<Candidate> candidates)
        {
            foreach (var candidate in candidates)
            {
                if (cost(candidate, least) is var costs && (costs < least || Best is null))
                    (least, Best) = (costs, candidate);
            }
        }
    }

    private sealed record Candidate(GridPlan Grid, StepModel Model, (long Height, long Width) Tile)
    {
        /// <summary>Who runs which columns; null for one process.</summary>
        public Stripes? Stripes { get; init; }

        /// <summary>The time of a step over that of the model's tiles by themselves.</summary>
        public double Time { get; init; } = 1;

        /// <summary>Seconds with what a budget allows to keep.</summary>
        public double Seconds(long budget) => Time * Model.Seconds(Model.Keep(budget, roughly: true));

        /// <summary>
        /// Seconds within a budget, infinite where nothing fits; where they are not below a number, any that are not either.
        /// </summary>
        public double Seconds(long budget, double below)
        {
            var once = Time * (Model.Forward + Model.Backward);
            if (once >= below)
                return once;
            var kept = Model.Keep(budget, roughly: true);
            return Model.Bytes(kept) <= budget ? Time * Model.Seconds(kept) : double.PositiveInfinity;
        }
    }
}
