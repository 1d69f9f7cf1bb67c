using StreamingCnn.Distributed;
using StreamingCnn.Execution.Split;
using StreamingCnn.Execution.Stages;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Stages;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>Plans and prepares the runs of networks that the engine sees into.</summary>
/// <param name="options">How they are streamed.</param>
/// <param name="arithmetic">What they compute in.</param>
/// <param name="plans">What was planned so far.</param>
internal sealed class TrunkRuns(StreamingOptions options, TrunkArithmetic arithmetic, PlanMemory plans)
{
    private readonly ForegroundPlan foregrounds = new(plans);
    private StreamingOptions? agreed;

    /// <summary>The processes that share every image; null where this one has it alone.</summary>
    private ICommunicator? Ranks => options.SplitOver is { Size: > 1 } ranks ? ranks : null;

    /// <summary>The options, with budgets that all processes have.</summary>
    private StreamingOptions Options => agreed ??= Ranks is { } ranks ? Agreed(ranks) : options;

    /// <summary>The plan of a network that looks at whole maps, and which share of its operations is done.</summary>
    /// <param name="stages">The network's stages.</param>
    /// <param name="costs">What steps cost.</param>
    /// <param name="sources">The sources.</param>
    public (StagedPlan Plan, double Share) Plan(SizedStages stages, StageCosts costs, SourceSet sources)
    {
        var plan = foregrounds.Of(stages, Options, costs, sources);
        return (plan, AskedShare.Of(plan, sources));
    }

    /// <summary>A run of local layers.</summary>
    /// <param name="graph">The layers, as they are streamed.</param>
    /// <param name="sources">The sources; the run takes them over.</param>
    /// <param name="passes">What runs.</param>
    public IDifferentiableRun Of(NetworkGraph graph, SourceSet sources, Passes passes)
    {
        var willReverse = passes == Passes.Both;
        var cost = arithmetic.Cost(graph, sources.Wanted, sources.Batch, sources.Type, passes);
        var plan = plans.Choose(graph, Options, cost, sources.Sizes);
        var settings = Settings(
            graph.Nodes, sources, willReverse, () => PlanIdentity.Of(plan, cost.Differentiable, sources.Batch));
        return Whole(
            new StreamedRun(
                plan,
                sources,
                settings with
                {
                    HeapBytes = sources.Device.type == DeviceType.CPU ? plan.HeapBytes : 0,
                    Seams = Seams(plan.Grid, sources, willReverse),
                }),
            sources);
    }

    /// <summary>A run of a network that looks at whole maps.</summary>
    /// <param name="network">The network, as it is written.</param>
    /// <param name="sources">The sources; the run takes them over.</param>
    /// <param name="passes">What runs.</param>
    public IDifferentiableRun Of(TracedNetwork network, SourceSet sources, Passes passes)
    {
        var willReverse = passes == Passes.Both;
        var stages = new SizedStages(new StagedNetwork(network, sources.Wanted), sources.Sizes, arithmetic.Streamed);
        var costs = arithmetic.Costs(sources.Batch, sources.Type, passes);
        // Processes that share an image leave nothing of it out.
        var plan = Ranks is null ? foregrounds.Of(stages, Options, costs, sources) : plans.Choose(stages, Options, costs);
        return Whole(
            new StagedRun(
                plan,
                sources,
                Settings(
                    network.Maps,
                    sources,
                    willReverse,
                    () => PlanIdentity.Of(plan, step => plan.Stages.WantedOf(step.Stage), sources.Batch)),
                Shelf(plan, sources, willReverse),
                (grid, isReversed) => Seams(grid, sources, isReversed)),
            sources);
    }

    private IDifferentiableRun Whole(IDifferentiableRun run, SourceSet sources) =>
        Ranks is { } ranks ? new SplitRun(run, ranks, sources) : run;

    private StreamingOptions Agreed(ICommunicator ranks)
    {
        plans.SetDefaultBudget(Agreement.Smallest(ranks, plans.DefaultBudget));
        return options.MemoryBudget is { } budget ? options with { MemoryBudget = Agreement.Smallest(ranks, budget) } : options;
    }

    private RunSettings Settings(IReadOnlyList<GraphNode> maps, SourceSet sources, bool willReverse, Func<string> identity)
    {
        if (sources.Device.type == DeviceType.CPU)
            TensorHeap.Begin();
        // Drawn only where it is used, so that networks without random layers leave the generator alone.
        var isRandom = maps.Any(node => node.Layer is { IsRandom: true });
        var seed = isRandom ? randint(0, long.MaxValue, [1], dtype: ScalarType.Int64, device: CPU).item<long>() : 0;
        return new()
        {
            MapType = arithmetic.MapType(sources.Type),
            Format = arithmetic.Format(sources.Type, sources.Device),
            WillReverse = willReverse,
            Ranks = Ranks,
            Peers = options.SyncBatchNormOver is { Size: > 1 } peers ? peers : null,
            Seed = Ranks is { } ranks ? Agreement.Check(ranks, $"{willReverse} {identity()}", seed) : seed,
            Profile = options.Profile,
        };
    }

    private RestingSeams? Seams(GridPlan grid, SourceSet sources, bool willReverse)
    {
        if (!arithmetic.CarryIsElsewhere(sources.Device) || grid.Stripe.IsEmpty)
            return null;
        var memory = new SeamMemory(grid, _ => false);
        var valueBytes = sources.Batch * arithmetic.ValueBytes(sources.Type);
        ISeamShelf shelf = options.Carry == CarryPlace.Host
            ? new HostShelf(sources.Device)
            : new FileShelf(options.CarryFolder, (willReverse ? grid.CarriedValues : memory.MostForward) * valueBytes, sources.Device);
        return new(shelf, memory.OnTheWay(valueBytes));
    }

    private IMapShelf Shelf(StagedPlan plan, SourceSet sources, bool willReverse)
    {
        var format = arithmetic.Format(sources.Type, sources.Device);
        if (plan.OnTheWay is not { } onTheWay)
            return new MemoryShelf(sources.Device, format);
        var costs = arithmetic.Costs(sources.Batch, sources.Type);
        var maps = new BoundaryBytes(plan.Stages, costs.ValueBytes, costs.GradientBytes);
        IScratch scratch = plan.Place == CarryPlace.Host
            ? new HostScratch()
            : new ScratchFile("store of maps", options.CarryFolder, willReverse ? maps.Most : maps.MostForward);
        return new RestingMapShelf(scratch, sources.Device, format, onTheWay);
    }
}
