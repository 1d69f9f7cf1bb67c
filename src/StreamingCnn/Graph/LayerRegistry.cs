using System.Collections.Concurrent;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>The layers that the engine can see into. Teach it your own with <see cref="Register{TModule}"/>.</summary>
public static class LayerRegistry
{
    private const string MoveToHead = "move it to the head, behind the streamed trunk";

    private static readonly ConcurrentDictionary<Type, Func<Module<Tensor, Tensor>, LocalLayer>> Descriptions = new();
    private static readonly ConcurrentDictionary<Type, string> Refusals = new();

    static LayerRegistry()
    {
        Register<Conv2d>(m => new ConvolutionLayer(m));
        Register<ConvTranspose2d>(m => new TransposedConvolutionLayer(m));
        Register<MaxPool2d>(m => new MaxPoolingLayer(m));
        Register<AvgPool2d>(m => new AveragePoolingLayer(m));
        Register<PixelShuffle>(m => new PixelShuffleLayer(m));
        Register<PixelUnshuffle>(m => new PixelUnshuffleLayer(m));
        Register<ZeroPad2d>(m => new ConstantPaddingLayer(m));
        Register<ConstantPad2d>(m => new ConstantPaddingLayer(m));
        Register<ReflectionPad2d>(m => new ReflectionPaddingLayer(m));
        Register<ReplicationPad2d>(m => new ReplicationPaddingLayer(m));
        Register<Upsample>(m => m.mode == UpsampleMode.Bilinear ? new BilinearUpsamplingLayer(m) : new NearestUpsamplingLayer(m));

        Register<Dropout>(m => new DropoutLayer(m));
        Register<Dropout2d>(m => new ChannelDropoutLayer(m));
        Register<StochasticDepth>(m => new StochasticDepthLayer(m));

        Register<ReLU>(m => new ReluLayer(m));
        RegisterActivation<ReLU6>(m => m.inplace);
        RegisterActivation<LeakyReLU>(m => m.inplace);
        RegisterActivation<ELU>(m => m.inplace);
        RegisterActivation<CELU>(m => m.inplace);
        RegisterActivation<SELU>(m => m.inplace);
        RegisterActivation<GELU>(m => m.inplace);
        RegisterActivation<SiLU>(m => m.inplace);
        RegisterActivation<Mish>(m => m.inplace);
        RegisterActivation<Hardtanh>(m => m.inplace);
        RegisterActivation<Hardswish>(m => m.inplace);
        RegisterActivation<Hardsigmoid>(m => m.inplace);
        RegisterActivation<Sigmoid>(m => m.inplace);
        RegisterActivation<Tanh>(m => m.inplace);
        RegisterActivation<Softsign>(m => m.inplace);
        RegisterActivation<Threshold>(m => m.inplace);
        RegisterActivation<RReLU>(m => m.inplace);
        RegisterActivation<Softplus>(_ => false);
        RegisterActivation<Softshrink>(_ => false);
        RegisterActivation<Hardshrink>(_ => false);
        RegisterActivation<Tanhshrink>(m => m.inplace);
        RegisterActivation<LogSigmoid>(_ => false);
        RegisterActivation<PReLU>(_ => false);
        RegisterActivation<Softmax2d>(_ => false);
        RegisterActivation<ChannelShuffle>(_ => false);
        RegisterActivation<ChannelLayerNorm>(_ => false);
        RegisterActivation<ChannelScale>(_ => false);
        Register<GLU>(m => new GatedLinearUnitLayer(m));
        Register<Softmax>(m => new SoftmaxLayer(m, m.dim));
        Register<LogSoftmax>(m => new SoftmaxLayer(m, m.dim));

        Refuse<GroupNorm>($"normalises over the whole map; use ChannelLayerNorm, or {MoveToHead}");
        Refuse<InstanceNorm2d>($"normalises over the whole map; use ChannelLayerNorm, or {MoveToHead}");
        Refuse<AdaptiveAvgPool2d>($"pools windows that depend on the size of the whole map; {MoveToHead}");
        Refuse<AdaptiveMaxPool2d>($"pools windows that depend on the size of the whole map; {MoveToHead}");
        Refuse<FractionalMaxPool2d>($"pools windows that depend on the size of the whole map; {MoveToHead}");
        Refuse<Flatten>($"mixes all positions; {MoveToHead}");
        Refuse<Unflatten>($"needs a flattened map; {MoveToHead}");
        Refuse<Linear>($"acts on the last dimension, the columns; write the trunk as a StreamingBlock, where Linear acts on the channels of each pixel, or {MoveToHead}");
        Refuse<LayerNorm>($"normalises over the last dimensions of the whole map; use ChannelLayerNorm, or {MoveToHead}");
        Refuse<AlphaDropout>("draws random numbers in a way that is not supported; use Dropout or Dropout2d");
        Refuse<FeatureAlphaDropout>("draws random numbers in a way that is not supported; use Dropout or Dropout2d");
    }

    /// <summary>Teaches the engine a module type. A later registration replaces an earlier one.</summary>
    /// <typeparam name="TModule">The exact type; a derived type needs a registration of its own.</typeparam>
    /// <param name="describe">Makes the engine's description of a module; called at every run, so that it sees the module's present settings.</param>
    /// <example>
    /// <code>
    /// LayerRegistry.Register&lt;MyActivation&gt;(activation => new PointwiseLayer(activation));
    /// </code>
    /// </example>
    public static void Register<TModule>(Func<TModule, LocalLayer> describe)
        where TModule : Module<Tensor, Tensor>
    {
        ArgumentNullException.ThrowIfNull(describe);
        Descriptions[typeof(TModule)] = module => describe((TModule)module);
    }

    /// <summary>The description of a module, or why there is none.</summary>
    internal static (LocalLayer? Layer, string? Refusal, bool IsUnknown) Describe(Module<Tensor, Tensor> module)
    {
        if (module is RReLU { training: true })
            return (null, "draws random slopes in training mode, which is not supported; call eval() on it, or use LeakyReLU or PReLU", false);
        if (module is Upsample upsample && UpsamplingLayer.RefusalOf(upsample) is { } reason)
            return (null, reason, false);
        if (Descriptions.TryGetValue(module.GetType(), out var describe))
            return (describe(module), null, false);
        return Refusals.TryGetValue(module.GetType(), out var refusal)
            ? (null, refusal, false)
            : (null, $"is not known to the engine; derive it from StreamingBlock, teach it with LayerRegistry.Register, set StreamingOptions.Mode to Overlap, or {MoveToHead}", true);
    }

    private static void Refuse<TModule>(string reason)
        where TModule : Module => Refusals[typeof(TModule)] = reason;

    private static void RegisterActivation<TModule>(Func<TModule, bool> worksInPlace)
        where TModule : Module<Tensor, Tensor> =>
        Register<TModule>(m => worksInPlace(m) ? new InPlaceActivationLayer(m) : new PointwiseLayer(m));
}
