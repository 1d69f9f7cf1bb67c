using StreamingCnn.Execution.Machine;
using StreamingCnn.Execution.Probing;
using StreamingCnn.Execution.Stages;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Stages;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// What <see cref="StreamingModule"/>, <see cref="StreamingPyramid"/> and <see cref="StreamingNetwork"/> share: from images to a run tied
/// into autograd's graph, or into sinks.
/// </summary>
internal sealed class StreamedTrunk
{
    private const long ChannelsOfAPhotograph = 3;

    private readonly nn.Module trunk;
    private readonly Func<IReadOnlyList<long>, TracedNetwork> trace;
    private readonly StreamingOptions options;
    private readonly TrunkArithmetic arithmetic;
    private readonly PlanMemory plans;
    private readonly TrunkSources sourcesOf;
    private readonly TrunkRuns runs;
    private OpaqueTrunk? opaque;

    /// <param name="trunk">The module.</param>
    /// <param name="trace">Traces it for the numbers of channels of its sources.</param>
    /// <param name="options">Settings, which are validated here.</param>
    public StreamedTrunk(nn.Module trunk, Func<IReadOnlyList<long>, TracedNetwork> trace, StreamingOptions? options)
    {
        this.trunk = trunk;
        this.trace = trace;
        this.options = options ?? new();
        this.options.Validate();
        arithmetic = new(trunk, this.options);
        plans = new(() => DeviceBudget.Of(arithmetic.Device), () => arithmetic.Device.ToString());
        sourcesOf = new(arithmetic);
        runs = new(this.options, arithmetic, plans);
    }

    /// <summary>What was planned so far.</summary>
    public PlanMemory Plans => plans;

    /// <summary>Runs images in memory.</summary>
    /// <param name="images">[N, C, H, W] each.</param>
    /// <returns>The outputs, in the caller's scope.</returns>
    public Tensor[] Forward(params IReadOnlyList<Tensor> images)
    {
        using var scope = NewDisposeScope();
        var (given, differentiable) = sourcesOf.InMemory(images);
        var outputs = Forward(given, differentiable);
        foreach (var output in outputs)
            output.MoveToOuterDisposeScope();
        return outputs;
    }

    /// <summary>Runs images that are read window by window.</summary>
    /// <param name="images">The images.</param>
    /// <param name="gradientRows">
    /// Gets the gradient of the only image row by row, of one that processes share this one's part of the sum; null where none is wanted.
    /// </param>
    public Tensor[] Forward(IReadOnlyList<IImageSource> images, ImageGradientRows? gradientRows = null) =>
        Forward(sourcesOf.Windows(images, gradientRows), new Tensor?[images.Count]);

    /// <summary>Runs images in memory into sinks, without a backward pass.</summary>
    public void Run(IReadOnlyList<Tensor> images, IReadOnlyList<IMapSink> sinks)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        Run(sourcesOf.InMemory(images).Sources, sinks);
    }

    /// <summary>Runs images that are read window by window into sinks, without a backward pass.</summary>
    public void Run(IReadOnlyList<IImageSource> images, IReadOnlyList<IMapSink> sinks)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        Run(sourcesOf.Windows(images, null), sinks);
    }

    /// <summary>Whether the engine sees into the trunk.</summary>
    /// <param name="channels">Channels of its only source; null for those that it asks for.</param>
    public bool SeesInto(long? channels)
    {
        try
        {
            trace([channels ?? InputChannels()]);
            return true;
        }
        catch (UnsupportedLayerException reason) when (reason.IsUnknown)
        {
            return false;
        }
    }

    /// <summary>What a step on one image would do and cost.</summary>
    /// <param name="height">Height in pixels.</param>
    /// <param name="width">Width in pixels.</param>
    /// <param name="channels">Channels; null for what the network asks for, or 3.</param>
    public TilePlan Plan(long height, long width, long? channels = null) =>
        Plan([channels ?? InputChannels()], [(height, width)]);

    /// <summary>What a step would do and cost.</summary>
    /// <param name="channels">Channels of each source.</param>
    /// <param name="sizes">Size of each source.</param>
    public TilePlan Plan(IReadOnlyList<long> channels, IReadOnlyList<(long Height, long Width)> sizes)
    {
        var (type, device) = arithmetic.Compute([]);
        var network = Written(channels, sizes);
        if (network.RunsInStages)
            return Plan(network, sizes, type, device);
        var written = network.Local;
        var graph = arithmetic.Streamed(written);
        var wanted = new bool[sizes.Count];
        var (cost, conventional) = (arithmetic.Cost(graph, wanted, 1, type), arithmetic.Cost(written, wanted, 1, type));
        var format = arithmetic.Format(type, device);
        return PlanSummary.Of(
            plans.Choose(graph, options, cost, sizes),
            options.Mode,
            cost,
            (written, conventional),
            () => MachineRates.OfProcess.Of(format, MapFormat.ChannelsFirst));
    }

    /// <summary>What a step on images would do and cost, of which those are read that say which positions count.</summary>
    /// <param name="images">The images.</param>
    public TilePlan Plan(IReadOnlyList<IImageSource> images)
    {
        IReadOnlyList<long> channels = [.. images.Select(image => (long)image.Channels)];
        IReadOnlyList<(long Height, long Width)> sizes = [.. images.Select(image => (image.Height, image.Width))];
        var network = Written(channels, sizes);
        if (!network.RunsInStages)
            return Plan(channels, sizes);
        using var scope = NewDisposeScope();
        using var sources = sourcesOf.Windows(images, null);
        var (type, device) = arithmetic.Compute([]);
        var (chosen, share) = runs.Plan(Stages(network, sizes), arithmetic.Costs(1, type), sources);
        var plan = Summary(chosen, network, sizes, type, device);
        return plan with { AskedFor = share, Times = () => (plan.Seconds * share, plan.WholeSeconds) };
    }

    /// <summary>Size of each output map for sources of some sizes; a small tensor has one position.</summary>
    /// <param name="channels">Channels of each source.</param>
    /// <param name="sizes">Size of each source.</param>
    public IReadOnlyList<(long Height, long Width)> OutputSizes(
        IReadOnlyList<long> channels, IReadOnlyList<(long Height, long Width)> sizes)
    {
        var network = Written(channels, sizes);
        var stages = Stages(network, sizes);
        return [.. network.Outputs.Select(output => output.IsSmall ? (1, 1) : stages.Size(output.Index))];
    }

    /// <summary>The smallest budget that a step can be planned within.</summary>
    /// <param name="sizes">Size of each source.</param>
    public long SmallestBudget(params IReadOnlyList<(long Height, long Width)> sizes)
    {
        var (type, _) = arithmetic.Compute([]);
        var network = Written([InputChannels()], sizes);
        if (network.RunsInStages)
            return new StagedPlanner(Stages(network, sizes), options, arithmetic.Costs(1, type), plans).SmallestBudget();
        var graph = arithmetic.Streamed(network.Local);
        return Planner.SmallestBudget(graph, options, arithmetic.Cost(graph, new bool[sizes.Count], 1, type), sizes);
    }

    private TilePlan Plan(TracedNetwork network, IReadOnlyList<(long Height, long Width)> sizes, ScalarType type, Device device)
    {
        var costs = arithmetic.Costs(1, type);
        return Summary(plans.Choose(Stages(network, sizes), options, costs), network, sizes, type, device);
    }

    private TilePlan Summary(
        StagedPlan plan, TracedNetwork network, IReadOnlyList<(long Height, long Width)> sizes, ScalarType type, Device device)
    {
        var format = arithmetic.Format(type, device);
        return StagedSummary.Of(
            plan,
            plans.WithBudget(options),
            arithmetic.Costs(1, type),
            new SizedStages(new StagedNetwork(network, new bool[sizes.Count]), sizes, written => written),
            () => MachineRates.OfProcess.Of(format, MapFormat.ChannelsFirst));
    }

    private SizedStages Stages(TracedNetwork network, IReadOnlyList<(long Height, long Width)> sizes) =>
        new(new StagedNetwork(network, new bool[sizes.Count]), sizes, arithmetic.Streamed);

    private Tensor[] Forward(SourceSet sources, IReadOnlyList<Tensor?> differentiable)
    {
        using var run = Start(sources, is_grad_enabled(), Passes.ForwardIntoTensors, out var parameters);
        return parameters is not null
            ? StreamingFunction.Apply(run, differentiable, parameters, options.Progress)
            : TensorSink.Run(run.Value, options.Progress);
    }

    private void Run(SourceSet sources, IReadOnlyList<IMapSink> sinks)
    {
        using var run = Start(sources, mayReverse: false, Passes.ForwardIntoSinks, out _);
        if (sinks.Count != run.Value.Outputs)
        {
            throw new ArgumentException(
                $"{trunk.GetType().Name} has {run.Value.Outputs} outputs, but {sinks.Count} sinks were given; give one for each.",
                nameof(sinks));
        }

        run.Value.Forward(sinks, options.Progress);
    }

    /// <summary>Prepares a run.</summary>
    /// <param name="sources">The sources; the run takes them over.</param>
    /// <param name="mayReverse">Whether a backward pass may follow.</param>
    /// <param name="otherwise">What runs where none does.</param>
    /// <param name="parameters">The parameters that have a gradient then; null where none will follow.</param>
    private Handover<IDifferentiableRun> Start(
        SourceSet sources, bool mayReverse, Passes otherwise, out IReadOnlyList<Parameter>? parameters)
    {
        StreamingFunction.Release();
        var written = Written(sources.Channels, sources.Type, sources.Device);
        var graph = written is { RunsInStages: false } ? arithmetic.Streamed(written.Local) : null;
        parameters = graph?.Parameters ?? written?.Parameters ?? [.. trunk.parameters()];
        var willReverse = mayReverse && (sources.Wanted.Contains(true) || parameters.Any(parameter => parameter.requires_grad));
        if (!willReverse)
            parameters = null;
        var passes = willReverse ? Passes.Both : otherwise;
        return new(graph is not null ? runs.Of(graph, sources, passes)
            : written is not null ? runs.Of(written, sources, passes)
            : BlackBox(sources, willReverse));
    }

    private BlackBoxRun BlackBox(SourceSet sources, bool willReverse)
    {
        if (options.Compute != ComputePrecision.Parameters)
            throw new NotSupportedException($"The engine cannot see into {trunk.GetType().Name}, so it cannot compute its layers in another type; leave StreamingOptions.Compute at {ComputePrecision.Parameters}.");
        if (options.Tile is not { } tile)
            throw new ArgumentException(
                $"The engine cannot see into {trunk.GetType().Name} and does not know what it costs; set StreamingOptions.Tile.");
        // The engine sees into every block with several inputs: more sources than one are a target's.
        if (sources.Sizes.Count > 1)
            throw new NotSupportedException($"The engine cannot see into {trunk.GetType().Name}, so it cannot stream its loss; build it of layers that the engine knows, or teach it those that it does not.");
        opaque ??= new OpaqueTrunk((nn.Module<Tensor, Tensor>)trunk);
        var image = sources.Only;
        var (rows, columns) = opaque.Geometry(image, willReverse);
        return new BlackBoxRun(opaque, new WindowGrid(rows, columns, tile, (image.Height, image.Width)), image);
    }

    /// <summary>
    /// The network's graph as it is written, checked; null when the engine cannot see into the trunk, but overlapping
    /// tiles do not need it to.
    /// </summary>
    private TracedNetwork? Written(IReadOnlyList<long> channels, ScalarType type, Device device)
    {
        TracedNetwork network;
        try
        {
            network = trace(channels);
        }
        catch (UnsupportedLayerException reason) when (options.Mode == StreamingMode.Overlap && reason.IsUnknown)
        {
            return null;
        }

        network.Check();
        if (!options.TrustsLayers)
            TaughtLayers.Check(network.Maps, type, device, arithmetic.Format(type, device));
        return network;
    }

    /// <summary>The network as it is written, to be asked about images of some sizes.</summary>
    private TracedNetwork Written(IReadOnlyList<long> channels, IReadOnlyList<(long Height, long Width)> sizes)
    {
        foreach (var (height, width) in sizes)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
            ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        }

        var (type, device) = arithmetic.Compute([]);
        return Written(channels, type, device)
            ?? throw new NotSupportedException(
                $"The engine cannot see into {trunk.GetType().Name}, so it cannot tell what a step would cost.");
    }

    /// <summary>The number of channels that the network asks of its image; that of a photograph where it takes any.</summary>
    private long InputChannels() => OpenChannels.Of(count => trace([count])) ?? ChannelsOfAPhotograph;
}
