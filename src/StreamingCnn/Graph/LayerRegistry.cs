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
    private const string Cures =
        "derive it from StreamingBlock, teach it with LayerRegistry.Register, set StreamingOptions.Mode to Overlap, "
        + $"or {MoveToHead}";

    private static readonly Dictionary<Type, Func<Module<Tensor, Tensor>, LocalLayer>> Known = [];
    private static readonly Dictionary<Type, string> Refusals = [];
    private static readonly ConcurrentDictionary<Type, Func<Module<Tensor, Tensor>, LocalLayer>> Taught = new();

    private static readonly HashSet<Type> RandomLayers =
    [
        typeof(Dropout), typeof(Dropout1d), typeof(Dropout2d), typeof(Dropout3d), typeof(AlphaDropout),
        typeof(FeatureAlphaDropout), typeof(RReLU), typeof(StochasticDepth),
    ];

    static LayerRegistry()
    {
        Know<Conv2d>(m => new ConvolutionLayer(m));
        Know<ConvTranspose2d>(m => new TransposedConvolutionLayer(m));
        Know<MaxPool2d>(m => new MaxPoolingLayer(m));
        Know<AvgPool2d>(m => new AveragePoolingLayer(m));
        Know<PixelShuffle>(m => new PixelShuffleLayer(m));
        Know<PixelUnshuffle>(m => new PixelUnshuffleLayer(m));
        Know<ZeroPad2d>(m => new ConstantPaddingLayer(m));
        Know<ConstantPad2d>(m => new ConstantPaddingLayer(m));
        Know<ReflectionPad2d>(m => new ReflectionPaddingLayer(m));
        Know<ReplicationPad2d>(m => new ReplicationPaddingLayer(m));
        Know<Upsample>(m => m.mode == UpsampleMode.Bilinear ? new BilinearUpsamplingLayer(m) : new NearestUpsamplingLayer(m));

        Know<Dropout>(m => new DropoutLayer(m));
        Know<Dropout2d>(m => new ChannelDropoutLayer(m));
        Know<StochasticDepth>(m => new StochasticDepthLayer(m));

        Know<ReLU>(m => new ReluLayer(m));
        // Numbers are maps that autograd keeps besides input and output, out of place and in place.
        Activation<ReLU6>(m => m.inplace, keptInPlace: 1);
        Activation<LeakyReLU>(m => m.inplace);
        Activation<ELU>(m => m.inplace, keptInPlace: 1);
        Activation<CELU>(m => m.inplace);
        Activation<SELU>(m => m.inplace);
        Activation<GELU>(m => m.inplace, keptInPlace: 1);
        Activation<SiLU>(m => m.inplace, keptInPlace: 1);
        Activation<Mish>(m => m.inplace, kept: 1, keptInPlace: 1);
        Activation<Hardswish>(m => m.inplace, keptInPlace: 1);
        Activation<Hardsigmoid>(m => m.inplace, keptInPlace: 1);
        Activation<Sigmoid>(m => m.inplace);
        Activation<Tanh>(m => m.inplace);
        Activation<Softsign>(m => m.inplace, kept: 1, keptInPlace: 2);
        Activation<Threshold>(m => m.inplace, keptInPlace: 1);
        Know<RReLU>(m => m.inplace ? new InPlaceActivationLayer(m, 1) : new InOrderActivationLayer(m, 1));
        Activation<Tanhshrink>(m => m.inplace, kept: 1, keptInPlace: 1);
        Activation<Hardtanh>(m => m.inplace, keptInPlace: 1);
        Activation<Softplus>(kept: 0);
        Activation<Softshrink>(kept: 0);
        Activation<Hardshrink>(kept: 0);
        Know<LogSigmoid>(m => new InOrderActivationLayer(m, 1));
        Activation<PReLU>(kept: 0);
        Activation<ChannelShuffle>(kept: 0);
        Activation<ChannelScale>(kept: 0);
        Know<ChannelLayerNorm>(m => new ChannelNormLayer(m));
        Know<GLU>(m => new GatedLinearUnitLayer(m));
        Know<Softmax>(m => new SoftmaxLayer(m, m.dim, (map, dimension) => functional.softmax(map, dimension)));
        Know<Softmax2d>(m => new SoftmaxLayer(m, 1, (map, dimension) => functional.softmax(map, dimension)));
        Know<LogSoftmax>(m => new SoftmaxLayer(m, m.dim, (map, dimension) => functional.log_softmax(map, dimension)));

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
        Taught[typeof(TModule)] = module => describe((TModule)module);
    }

    /// <summary>Whether a user has taught the engine the module's very type, which may be one that it knew.</summary>
    internal static bool IsTaught(Module module) => Taught.ContainsKey(module.GetType());

    /// <summary>The description of a module, or why there is none.</summary>
    internal static (LocalLayer? Layer, string? Refusal, bool IsUnknown) Describe(Module<Tensor, Tensor> module)
    {
        if (Taught.TryGetValue(module.GetType(), out var taught))
        {
            return taught(module) is { } layer
                ? (layer, null, false)
                : (null, "has a registration in LayerRegistry that gives no layer; return one", false);
        }

        if (module is RReLU { training: true })
            return (null, "draws random slopes in training mode, which is not supported; call eval() on it, or use LeakyReLU or PReLU", false);
        if (module is Upsample upsample && UpsamplingLayer.RefusalOf(upsample) is { } reason)
            return (null, reason, false);
        if (Known.TryGetValue(module.GetType(), out var describe))
            return (describe(module), null, false);
        if (Refusals.TryGetValue(module.GetType(), out var refusal))
            return (null, refusal, false);
        return module is Sequential
            ? (null, $"is a Sequential of a type of its own, whose forward may do anything; {Cures}", true)
            : (null, $"is not known to the engine; {Cures}", true);
    }

    /// <summary>Whether a layer draws random numbers in the mode that it is in.</summary>
    internal static bool IsRandom(Module layer) => layer.training
        && (RandomLayers.Contains(layer.GetType())
            || (layer is Module<Tensor, Tensor> module
                && Taught.TryGetValue(layer.GetType(), out var taught)
                && taught(module) is { IsRandom: true }));

    /// <summary>Why a layer that sees the whole map is refused; null for others.</summary>
    internal static string? GlobalRefusal(Module layer) =>
        Refusals.TryGetValue(layer.GetType(), out var refusal) && refusal.Contains("the whole map", StringComparison.Ordinal)
            ? refusal
            : null;

    private static void Know<TModule>(Func<TModule, LocalLayer> describe)
        where TModule : Module<Tensor, Tensor> => Known[typeof(TModule)] = module => describe((TModule)module);

    private static void Refuse<TModule>(string reason)
        where TModule : Module => Refusals[typeof(TModule)] = reason;

    private static void Activation<TModule>(int kept)
        where TModule : Module<Tensor, Tensor> => Know<TModule>(m => new ActivationLayer(m, kept));

    private static void Activation<TModule>(Func<TModule, bool> worksInPlace, int kept = 0, int keptInPlace = 0)
        where TModule : Module<Tensor, Tensor> =>
        Know<TModule>(m => worksInPlace(m) ? new InPlaceActivationLayer(m, keptInPlace) : new ActivationLayer(m, kept));
}
