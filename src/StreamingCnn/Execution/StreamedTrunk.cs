using StreamingCnn.Execution.Machine;
using StreamingCnn.Execution.Probing;
using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>What <see cref="StreamingModule"/> and <see cref="StreamingPyramid"/> share: from an image to a run tied into autograd's graph.</summary>
internal sealed class StreamedTrunk
{
    private readonly nn.Module trunk;
    private readonly Func<long, NetworkGraph> trace;
    private readonly StreamingOptions options;
    private readonly PlanMemory plans = new();
    private OpaqueTrunk? opaque;

    /// <param name="trunk">The module.</param>
    /// <param name="trace">Traces it for a number of image channels.</param>
    /// <param name="options">Settings, which are validated here.</param>
    public StreamedTrunk(nn.Module trunk, Func<long, NetworkGraph> trace, StreamingOptions? options)
    {
        this.trunk = trunk;
        this.trace = trace;
        this.options = options ?? new();
        this.options.Validate();
    }

    public Tensor[] Forward(Tensor image)
    {
        ImageShape.Channels(image);
        var (type, device) = Compute(image);
        var wanted = is_grad_enabled() && image.requires_grad;
        using var scope = NewDisposeScope();
        var source = wanted && (image.dtype != type || image.device != device) ? image.to(type, device) : image;
        var outputs = Forward(new TensorInput(source, type, device), wanted ? source : null);
        foreach (var output in outputs)
            output.MoveToOuterDisposeScope();
        return outputs;
    }

    public Tensor[] Forward(IImageSource source, ImageGradientRows? gradientRows = null)
    {
        var (type, device) = Compute(null);
        return Forward(new SourceInput(source, type, device), null, gradientRows);
    }

    public TilePlan Plan(long height, long width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        var (type, device) = Compute(null);
        var written = Written(InputChannels(), type, device)
            ?? throw new NotSupportedException(
                $"The engine cannot see into {trunk.GetType().Name}, so it cannot tell what a step would cost.");
        var graph = Streamed(written);
        var (cost, conventional) = (Cost(graph, false, 1, type), Cost(written, false, 1, type));
        var format = Format(MapType(type), device);
        return PlanSummary.Of(
            plans.Choose(graph, options, cost, height, width),
            options.Mode,
            cost,
            (written, conventional),
            () => MachineRates.OfProcess.Of(format, MapFormat.ChannelsFirst));
    }

    private Tensor[] Forward(ImageInput input, Tensor? differentiableImage, ImageGradientRows? gradientRows = null)
    {
        StreamingFunction.Release();
        var wanted = differentiableImage is not null || gradientRows is not null;
        var graph = Written(input.Channels, input.Type, input.Device) is { } written ? Streamed(written) : null;
        IReadOnlyList<Parameter> parameters = graph?.Parameters ?? [.. trunk.parameters()];
        var willReverse = is_grad_enabled() && (wanted || parameters.Any(parameter => parameter.requires_grad));
        using var run = new Handover<IDifferentiableRun>(
            graph is null
                ? BlackBox(input, wanted, willReverse, gradientRows)
                : Graph(graph, input, wanted, willReverse, gradientRows));
        return willReverse
            ? StreamingFunction.Apply(run, differentiableImage, parameters, options.Progress)
            : run.Value.Forward(options.Progress);
    }

    private StreamedRun Graph(NetworkGraph graph, ImageInput input, bool imageWanted, bool willReverse, ImageGradientRows? gradientRows)
    {
        var plan = plans.Choose(graph, options, Cost(graph, imageWanted, input.Batch, input.Type), input.Height, input.Width);
        if (input.Device.type == DeviceType.CPU)
            TensorHeap.Begin();
        // Drawn only where it is used, so that networks without random layers leave the generator alone.
        var seed = graph.IsRandom ? randint(0, long.MaxValue, [1], dtype: ScalarType.Int64).item<long>() : 0;
        return new StreamedRun(plan, input, new()
        {
            MapType = MapType(input.Type),
            Format = Format(MapType(input.Type), input.Device),
            ImageWanted = imageWanted,
            WillReverse = willReverse,
            Seed = seed,
            GradientRows = gradientRows,
            Seams = Seams(plan.Grid, input, willReverse),
            Profile = options.Profile,
        });
    }

    private RestingSeams? Seams(GridPlan grid, ImageInput input, bool willReverse)
    {
        if (!CarryIsElsewhere(input.Device))
            return null;
        if (options.Carry == CarryPlace.Host)
            return new(new HostShelf(input.Device));
        var values = willReverse ? grid.CarriedValues : new SeamMemory(grid, _ => false).MostForward;
        return new(new FileShelf(options.CarryFolder, values * input.Batch * ElementSize(MapType(input.Type)), input.Device));
    }

    private BlackBoxRun BlackBox(ImageInput input, bool imageWanted, bool willReverse, ImageGradientRows? gradientRows)
    {
        if (options.Compute != ComputePrecision.Parameters)
            throw new NotSupportedException($"The engine cannot see into {trunk.GetType().Name}, so it cannot compute its layers in another type; leave StreamingOptions.Compute at {ComputePrecision.Parameters}.");
        if (options.Tile is not { } tile)
            throw new ArgumentException($"The engine cannot see into {trunk.GetType().Name} and does not know what it costs; set StreamingOptions.Tile.");
        opaque ??= new OpaqueTrunk((nn.Module<Tensor, Tensor>)trunk, options.FrozenBatchNorm);
        var (rows, columns) = opaque.Geometry(input, willReverse);
        return new BlackBoxRun(opaque, new WindowGrid(rows, columns, tile, (input.Height, input.Width)), input, imageWanted, gradientRows);
    }

    /// <summary>
    /// The network's graph as it is written, checked; null when the engine cannot see into the trunk, but overlapping
    /// tiles do not need it to.
    /// </summary>
    private NetworkGraph? Written(long channels, ScalarType type, Device device)
    {
        NetworkGraph graph;
        try
        {
            graph = trace(channels);
        }
        catch (UnsupportedLayerException reason) when (options.Mode == StreamingMode.Overlap && reason.IsUnknown)
        {
            return null;
        }

        graph.Check();
        if (!options.TrustsLayers)
            TaughtLayers.Check(graph, type, device, Format(MapType(type), device));
        return graph;
    }

    private NetworkGraph Streamed(NetworkGraph written)
    {
        var folded = NormFolding.Of(written);
        return options.Compute == ComputePrecision.BFloat16 ? NarrowMaps.Of(folded) : folded;
    }

    private TrunkCost Cost(NetworkGraph graph, bool imageWanted, long batch, ScalarType type) =>
        new(graph, imageWanted, batch, ElementSize(MapType(type)), new ComputeRates(), CarryIsElsewhere(Compute(null).Device));

    /// <summary>Whether the carry waits somewhere else than on the device that computes.</summary>
    private bool CarryIsElsewhere(Device device) => options.Carry == CarryPlace.File || (options.Carry == CarryPlace.Host && device.type != DeviceType.CPU);

    /// <summary>The computation runs where the trunk's parameters are, in their type.</summary>
    private (ScalarType Type, Device Device) Compute(Tensor? image)
    {
        if (trunk.parameters().FirstOrDefault(p => p.is_floating_point()) is { } parameter)
            return (parameter.dtype, parameter.device);
        return (image is not null && image.is_floating_point() ? image.dtype : ScalarType.Float32, image?.device ?? CPU);
    }

    /// <summary>The number of image channels that the first layer with an opinion asks for; 3 when none has one.</summary>
    private long InputChannels() => trunk.modules().Select(module => module switch
    {
        Conv2d convolution => convolution.in_channels,
        ConvTranspose2d convolution => convolution.in_channels,
        BatchNorm2d norm => norm.num_features,
        _ => 0,
    }).FirstOrDefault(channels => channels > 0, 3);

    private MapFormat Format(ScalarType mapType, Device device) => options.ChannelsLast switch
    {
        true => MapFormat.ChannelsLast,
        false => MapFormat.ChannelsFirst,
        null => MapFormats.FasterFor(mapType, device),
    };

    private ScalarType MapType(ScalarType type) => options.Compute == ComputePrecision.BFloat16 ? ScalarType.BFloat16 : type;

    private static int ElementSize(ScalarType type) => type switch
    {
        ScalarType.Float64 => 8,
        ScalarType.BFloat16 or ScalarType.Float16 => 2,
        _ => 4,
    };
}
