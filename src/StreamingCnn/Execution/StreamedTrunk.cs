using StreamingCnn.Graph;
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

    public Tensor[] Forward(IImageSource source)
    {
        var (type, device) = Compute(null);
        return Forward(new SourceInput(source, type, device), null);
    }

    public TilePlan Plan(long height, long width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        var graph = Trace(InputChannels());
        return Choose(graph, 1, height, width, Compute(null).Type).Plan;
    }

    private Tensor[] Forward(ImageInput input, Tensor? differentiableImage)
    {
        StreamingFunction.Release();
        var graph = Trace(input.Channels);
        var plan = Choose(graph, input.Batch, input.Height, input.Width, input.Type).Grid;
        var trained = graph.Parameters.Any(parameter => parameter.requires_grad);
        var willReverse = is_grad_enabled() && (trained || differentiableImage is not null);
        // Drawn only where it is used, so that networks without random layers leave the generator alone.
        var seed = graph.IsRandom ? randint(0, long.MaxValue, [1], dtype: ScalarType.Int64).item<long>() : 0;
        HashSet<(int Row, int Column)> kept = willReverse ? KeptTiles.Choose(plan, input.Batch, ElementSize(input.Type), budget: 0) : [];
        var run = new StreamedRun(plan, input, differentiableImage is not null, willReverse, seed, kept);
        try
        {
            if (willReverse)
                return StreamingFunction.Apply(run, differentiableImage, graph.Parameters, options.Progress);
            using (run)
                return run.Forward(options.Progress);
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    private NetworkGraph Trace(long channels)
    {
        var graph = trace(channels);
        graph.Check();
        return graph;
    }

    private (GridPlan Grid, TilePlan Plan) Choose(NetworkGraph graph, long batch, long height, long width, ScalarType type)
    {
        var parameters = graph.Parameters.Sum(p => p.numel() * p.element_size() * (p.requires_grad ? 2 : 1));
        return Planner.Choose(graph, options, batch, height, width, ElementSize(type), parameters);
    }

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

    private static int ElementSize(ScalarType type) => type switch
    {
        ScalarType.Float64 => 8,
        ScalarType.BFloat16 or ScalarType.Float16 => 2,
        _ => 4,
    };
}
