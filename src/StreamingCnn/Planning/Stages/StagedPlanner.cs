using System.Globalization;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;

namespace StreamingCnn.Planning.Stages;

/// <summary>
/// Plans the stages of a network so that the whole step stays within a budget: where maps wait between them, and the tiles of each. What
/// stages before it leave for the backward pass counts in every stage.
/// </summary>
/// <remarks>
/// Where all fits at once, every stage runs in one piece and keeps its records: nothing is computed again. Otherwise all but the last
/// stage keep none, since others run before their backward pass.
/// </remarks>
internal sealed class StagedPlanner
{
    // What may be on its way to maps elsewhere at a time: enough for a long stretch of a disk, little of the budget.
    private const long LeastOnTheWay = 4 << 20;
    private const long MostOnTheWay = 64 << 20;
    private const long BudgetPerOnTheWay = 32;
    private const long Mebibyte = 1 << 20;

    // What a process holds of maps that several share: stripes are not equally wide, and with its own goes what its neighbours make at
    // their borders.
    private const long PartsHeld = 3;
    private const long PartsMade = 2;

    private readonly SizedStages stages;
    private readonly StreamingOptions options;
    private readonly StageCosts costs;
    private readonly PlanMemory plans;
    private readonly BoundaryBytes maps;
    private readonly long bytesOfAll;
    private readonly int processes;
    private readonly bool isForwardAlone;

    /// <param name="stages">The stages.</param>
    /// <param name="options">What was asked for, with a budget wherever no tile is given.</param>
    /// <param name="costs">What steps cost.</param>
    /// <param name="plans">Remembers what was planned for a stage.</param>
    public StagedPlanner(SizedStages stages, StreamingOptions options, StageCosts costs, PlanMemory plans)
    {
        (this.stages, this.options, this.costs, this.plans) = (stages, options, costs, plans);
        maps = new BoundaryBytes(stages, costs.ValueBytes, costs.GradientBytes);
        processes = options.Processes;
        var network = stages.Network.Network;
        isForwardAlone = costs.Passes != Passes.Both;
        ParameterBytes = network.ParameterBytes - (isForwardAlone ? network.GradientBytes : 0);
        var copies = costs.Passes switch { Passes.Both => 2, Passes.ForwardIntoTensors => 1, _ => 0 };
        OutputBytes = copies * costs.ValueBytes
            * network.Outputs.Where(output => !output.IsSmall).Sum(output => stages.Values(output.Index));
        bytesOfAll = ParameterBytes + OutputBytes;
    }

    /// <summary>Bytes of all parameters, and of the gradients of those that learn where there is a backward pass.</summary>
    public long ParameterBytes { get; }

    /// <summary>Bytes of the outputs, as far as they are held, and of their gradients.</summary>
    public long OutputBytes { get; }

    /// <summary>Whether there is one stage with maps alone, which is refused as a network of local layers is.</summary>
    private bool IsOne => stages.Stages.Count(stage => stage.Graph is not null) == 1;

    private IEnumerable<CarryPlace> Places => !stages.Boundaries.Any() ? [CarryPlace.Device]
        : options.BoundaryMaps is { } place ? [place]
        : [CarryPlace.Device, CarryPlace.File];

    /// <summary>Plans the stages.</summary>
    /// <param name="free">
    /// Bytes of a step that maps may wait on the device within, where a tile but neither a budget nor a place is given.
    /// </param>
    /// <exception cref="InsufficientMemoryException">Nothing fits into the budget.</exception>
    public StagedPlan Choose(Func<long> free)
    {
        if (options.Tile is { } tile)
            return WithTile(tile, free);
        if (WithinBudget() is { } plan)
            return plan;
        var budget = options.MemoryBudget!.Value;
        var less = options.BoundaryMaps is null or CarryPlace.File && options.Carry == CarryPlace.File
            ? ""
            : ", less with the carry and the maps between stages in a file";
        throw new InsufficientMemoryException(string.Create(
            CultureInfo.InvariantCulture,
            $"No tiles of the network's {stages.Stages.Count} stages fit into the memory budget of {budget >> 20} MiB; "
            + $"the smallest budget that they fit into is {SmallestBudget() >> 20} MiB"
            + $"{less}."));
    }

    /// <summary>The smallest budget in whole mebibytes that the stages can be planned within; every larger one is accepted, too.</summary>
    public long SmallestBudget()
    {
        var least = Budget(Places.Select(place => InOrder(place, false, LeastOnTheWay, long.MaxValue, Least)!).MinBy(plan => plan.Bytes)!);
        // What takes least in each stage is not always what takes least in all.
        while (!IsOne
            && new StagedPlanner(stages, options with { MemoryBudget = least - Mebibyte }, costs, plans).WithinBudget() is { } less)
            least = Budget(less);
        return least;

        static long Budget(StagedPlan plan) => Division.Ceiling(StepModel.BudgetFor(plan.Bytes), Mebibyte) * Mebibyte;
    }

    /// <summary>
    /// Bytes of maps that wait, and of their gradients, that a process holds while a stage runs: where several share them, its stripe, and
    /// with it what others have made.
    /// </summary>
    public (long Maps, long Gradients) HeldAt(int stage)
    {
        var (values, gradients) = isForwardAlone ? (maps.ForwardAt(stage), 0) : maps.At(stage);
        return processes == 1 ? (values, gradients) : (Share(values), Share(gradients));

        long Share(long bytes) => Division.Ceiling(bytes * PartsHeld, processes * PartsMade);
    }

    /// <summary>Bytes of a conventional step: everything in one piece, and all records kept.</summary>
    public long WholeBytes()
    {
        long most = 0, before = 0;
        foreach (var (stage, model, kept) in WholeModels())
        {
            var (values, gradients) = maps.At(stage.Index);
            most = Math.Max(most, bytesOfAll - stage.Graph!.ParameterBytes + values + gradients + before + model.Bytes(kept));
            before += model.WaitingBytes(kept);
        }

        return most;
    }

    /// <summary>Seconds of a conventional step on a machine.</summary>
    public double WholeSeconds(ComputeRates rates) => WholeModels(rates).Sum(whole => whole.Model.Forward + whole.Model.Backward);

    private IEnumerable<(Stage Stage, StepModel Model, KeptLayers Kept)> WholeModels(ComputeRates? rates = null)
    {
        foreach (var stage in stages.Stages.Where(stage => stage.Graph is not null))
        {
            // What waits between stages is counted by them all together.
            var trunk = costs.Of(stage.Graph!, stages.WantedOf(stage)).In(StageCost.Of(stage, stages.Sources.Count, 0, false, null));
            var model = new StepModel(Whole(stage).Grid, rates is null ? trunk : trunk.At(rates), mapsAnew: true);
            yield return (stage, model, model.Keep(long.MaxValue / 2));
        }
    }

    private StagedPlan? WithinBudget()
    {
        var budget = options.MemoryBudget!.Value;
        var within = StepModel.Within(budget);
        if (options.Mode == StreamingMode.ExactlyOnce
            && processes == 1
            && InOrder(Places.First(), true, OnTheWay(budget), within, Whole) is { } all)
            return all;
        foreach (var place in Places)
        {
            if ((InOrder(place, false, OnTheWay(budget), within, Fastest)
                ?? InOrder(place, false, LeastOnTheWay, within, Least)) is { } plan)
            {
                return plan;
            }
        }

        return null;
    }

    private static long OnTheWay(long budget) => Math.Clamp(budget / BudgetPerOnTheWay, LeastOnTheWay, MostOnTheWay);

    private StagedPlan WithTile((int Height, int Width) tile, Func<long> free)
    {
        foreach (var place in Places.SkipLast(1))
        {
            var limit = options.MemoryBudget is { } budget ? StepModel.Within(budget) : free();
            if (InOrder(place, false, MostOnTheWay, limit, Tiled) is { } plan)
                return plan;
        }

        return InOrder(Places.Last(), false, MostOnTheWay, long.MaxValue, Tiled)!;

        StepPlan Tiled(Stage stage, TrunkCost trunk, (long Height, long Width)[] sizes) =>
            plans.Choose(stage.Graph!, options with { Tile = StageTile(tile, stage.Graph!, sizes) }, trunk, sizes);
    }

    /// <summary>Plans one stage after the other; null where a limit on bytes cannot be kept to.</summary>
    private StagedPlan? InOrder(
        CarryPlace place, bool keepsAll, long onTheWay, long limit, Func<Stage, TrunkCost, (long Height, long Width)[], StepPlan?> choose)
    {
        var isElsewhere = costs.IsElsewhere(place);
        var steps = new List<StageStep>();
        var before = 0L;
        foreach (var stage in stages.Stages)
        {
            if (stage.Graph is null)
            {
                steps.Add(new(stage, null));
                continue;
            }

            var (values, gradients) = isElsewhere ? default : HeldAt(stage.Index);
            var alone = costs.Of(stage.Graph, stages.WantedOf(stage));
            var cost = StageCost.Of(
                stage,
                stages.Sources.Count,
                bytesOfAll - alone.ParameterBytes + values + gradients + before,
                !keepsAll && stage.Index != stages.Last,
                isElsewhere ? onTheWay : null);
            if (cost.BytesBesides > limit && !IsOne)
                return null;
            var trunk = alone.In(cost);
            if (choose(stage, trunk, stages.SourcesOf(stage)) is not { } plan)
                return null;
            var (grid, kept) = plan.Widest;
            var model = new StepModel(grid, trunk);
            steps.Add(new(stage, plan) { Cost = cost, Bytes = model.Bytes(kept), BytesBefore = before });
            if (steps[^1].Bytes > limit)
                return null;
            before += model.WaitingBytes(kept);
        }

        // When all is done, each parameter's gradient is there as the sum over stages and as autograd's copy.
        var end = bytesOfAll + StepModel.CopiesOf(isForwardAlone ? 0 : stages.Network.Network.GradientBytes) + StepModel.AnyStep;
        return end > limit && !IsOne ? null : new StagedPlan(stages, steps, place, keepsAll) { EndBytes = end };
    }

    private StepPlan? Fastest(Stage stage, TrunkCost trunk, (long Height, long Width)[] sizes)
    {
        try
        {
            return plans.Choose(stage.Graph!, options, trunk, sizes);
        }
        catch (InsufficientMemoryException) when (!IsOne)
        {
            return null;
        }
    }

    private StepPlan Least(Stage stage, TrunkCost trunk, (long Height, long Width)[] sizes) =>
        Planner.Least(stage.Graph!, options, trunk, sizes);

    /// <summary>A stage in one piece that keeps everything.</summary>
    private StepPlan Whole(Stage stage, TrunkCost trunk, (long Height, long Width)[] sizes)
    {
        var (grid, tile) = Whole(stage);
        var model = new StepModel(grid, trunk);
        return new(grid, model.Programs, model.Keep(long.MaxValue / 2), tile);
    }

    private (GridPlan Grid, (long Height, long Width) Tile) Whole(Stage stage)
    {
        var (rows, columns) = AxisNetwork.Of(stage.Graph!, stages.SourcesOf(stage));
        var tile = (rows.PaceLength, columns.PaceLength);
        return (GridPlan.ExactlyOnce(rows, columns, tile, beyondBorder: false, late: null), tile);
    }

    /// <summary>A tile of the network's largest source, as a tile of a stage's.</summary>
    private (int Height, int Width) StageTile(
        (int Height, int Width) tile, NetworkGraph stage, IReadOnlyList<(long Height, long Width)> sizes)
    {
        var image = stages.Sources.MaxBy(size => size.Height * size.Width);
        var (rows, columns) = AxisNetwork.Of(stage, sizes);
        return (Scaled(tile.Height, rows.PaceLength, image.Height), Scaled(tile.Width, columns.PaceLength, image.Width));

        static int Scaled(int side, long length, long whole) =>
            length >= whole ? side : (int)Math.Clamp(Division.Ceiling(side * length, whole), 1, int.MaxValue);
    }
}
