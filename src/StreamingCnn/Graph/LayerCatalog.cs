using StreamingCnn.Geometry;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph;

/// <summary>
/// All that the engine knows of TorchSharp's modules and its own, by their exact types: what derives from one may compute anything.
/// </summary>
internal static class LayerCatalog
{
    private const string MoveToHead = "move it to the head, behind the streamed trunk";
    private const string Cures =
        "derive it from StreamingBlock, teach it with LayerRegistry.Register, set StreamingOptions.Mode to Overlap, "
        + $"or {MoveToHead}";

    private static readonly Dictionary<Type, LayerEntry> Entries = [];

    static LayerCatalog()
    {
        AddWindows();
        AddAttention();
        AddActivations();
        AddNorms();
        AddRandom();
        AddPooling();
    }

    /// <summary>The description of a module, or why there is none.</summary>
    public static (LocalLayer? Layer, string? Refusal, bool IsUnknown) Describe(Module<Tensor, Tensor> module, LayerPlace place)
    {
        var entry = Of(module);
        if (entry?.Refusal?.Invoke(module, place) is { } refusal)
            return (null, refusal, false);
        if (entry?.Describe is { } describe)
            return (describe(module, place), null, false);
        return module is Sequential
            ? (null, $"is a Sequential of a type of its own, whose forward may do anything; {Cures}", true)
            : (null, $"is not known to the engine; {Cures}", true);
    }

    /// <summary>Whether a module gives its argument back as it is, in the mode that it is in.</summary>
    public static bool IsIdentity(Module module) =>
        Of(module) is { } entry && (entry.IsIdentity || (entry.IsIdentityInEvaluation && !module.training));

    /// <summary>Whether a module draws random numbers in training mode.</summary>
    public static bool DrawsRandomNumbers(Module module) => Of(module) is { DrawsRandomNumbers: true };

    /// <summary>How a module is streamed that looks at the whole map where it stands and as it is set; null for others.</summary>
    public static GlobalLayer? Global(Module module, LayerPlace place) =>
        Of(module)?.Global is { } global && global.IsGlobal(module, place) ? global : null;

    /// <summary>
    /// Why a module that looks at the whole map cannot be run inside one that the engine cannot see into; null for those that do not.
    /// </summary>
    public static string? GlobalRefusal(Module module) =>
        Global(module, default) is { } global ? $"{global.Deed}; derive the module around it from StreamingBlock, or {MoveToHead}" : null;

    private static LayerEntry? Of(Module module) => Entries.GetValueOrDefault(module.GetType());

    private static void AddWindows()
    {
        Know<Conv2d>(m => new ConvolutionLayer(m));
        Know<ConvTranspose2d>(m => new TransposedConvolutionLayer(m));
        Know<MaxPool2d>(m => new MaxPoolingLayer(m));
        Know<AvgPool2d>(m => new AveragePoolingLayer(m));
        Know<BlurPool>(m => new BlurPoolLayer(m));
        Know<PixelShuffle>(m => new PixelShuffleLayer(m));
        Know<PixelUnshuffle>(m => new PixelUnshuffleLayer(m));
        Know<ZeroPad2d>(m => new ConstantPaddingLayer(m));
        Know<ConstantPad2d>(m => new ConstantPaddingLayer(m));
        Know<ReflectionPad2d>(m => new ReflectionPaddingLayer(m));
        Know<ReplicationPad2d>(m => new ReplicationPaddingLayer(m));
        Add<Upsample>(new()
        {
            Describe = (m, _) => m switch
            {
                Upsample { mode: UpsampleMode.Bilinear } bilinear => new BilinearUpsamplingLayer(bilinear),
                Upsample { mode: UpsampleMode.Bicubic } bicubic => new BicubicUpsamplingLayer(bicubic),
                _ => new NearestUpsamplingLayer((Upsample)m),
            },
            Refusal = (m, _) => UpsamplingLayer.RefusalOf((Upsample)m),
        });
    }

    private static void AddAttention()
    {
        Know<WindowAttention>(m => new AttentionLayer(m, length => new WindowPartition(length, m.Window, m.Shift)));
        Know<NeighbourhoodAttention>(m => new AttentionLayer(m, length => new Neighbourhood(length, m.Window)));
        Know<StackedPatches>(m => new StackedPatchesLayer(m));
    }

    private static void AddActivations()
    {
        Add<TorchSharp.Modules.Identity>(new() { IsIdentity = true });
        Know<ReLU>(m => new ReluLayer(m));
        // Numbers are maps that autograd keeps besides input and output, out of place and in place.
        Activation<ReLU6>(m => m.inplace, keptInPlace: 1);
        Activation<SELU>(m => m.inplace);
        Activation<GELU>(m => m.inplace, keptInPlace: 1);
        Activation<SiLU>(m => m.inplace, keptInPlace: 1);
        Activation<Hardswish>(m => m.inplace, keptInPlace: 1);
        Activation<Hardsigmoid>(m => m.inplace, keptInPlace: 1);
        Activation<Sigmoid>(m => m.inplace);
        Activation<Tanh>(m => m.inplace);
        Function<LeakyReLU>((m, map) => NumberedActivations.Leaky(map, m.negative_slope));
        Function<ELU>((m, map) => NumberedActivations.Exponential(map, m.alpha));
        Function<CELU>((m, map) => NumberedActivations.ContinuouslyDifferentiable(map, m.alpha, m.inplace));
        Function<Threshold>((m, map) => NumberedActivations.Above(map, m.threshold, m.value));
        Function<Softsign>((_, map) => NumberedActivations.Softsign(map), kept: 1);
        Activation<Tanhshrink>(m => m.inplace, kept: 1, keptInPlace: 1);
        Know<Softplus>(m => new ScriptedActivationLayer<Softplus>(
            m,
            (one, map) => ScriptedOperators.Softplus(map, one.beta, one.threshold),
            (one, gradient, map) => ScriptedOperators.SoftplusBackward(gradient, map, one.beta, one.threshold)));
        Know<Mish>(m => new ScriptedActivationLayer<Mish>(
            m, (_, map) => NumberedActivations.Mish(map), (_, gradient, map) => ScriptedOperators.MishBackward(gradient, map)));
        Add<Hardtanh>(new()
        {
            Describe = (m, _) => new FunctionLayer<Hardtanh>(
                (Hardtanh)m, (one, map) => NumberedActivations.Clipped(map.clone(), one.min_val, one.max_val), 1),
            Refusal = (m, _) => m is Hardtanh { inplace: false }
                ? "gives its argument back as it is, by a fault of TorchSharp's; make it with inplace: true"
                : null,
        });
        Activation<Softshrink>(kept: 0);
        Activation<Hardshrink>(kept: 0);
        Know<LogSigmoid>(m => new InOrderActivationLayer(m, 1));
        Activation<PReLU>(kept: 0);
        Activation<ChannelShuffle>(kept: 0);
        Activation<ChannelScale>(kept: 0);
        Know<GLU>(m => new GatedLinearUnitLayer(m));
        Know<Softmax>(m => new SoftmaxLayer(m, m.dim, (map, dimension) => functional.softmax(map, dimension)));
        Know<Softmax2d>(m => new SoftmaxLayer(m, 1, (map, dimension) => functional.softmax(map, dimension)));
        Know<LogSoftmax>(m => new SoftmaxLayer(m, m.dim, (map, dimension) => functional.log_softmax(map, dimension)));
        Add<Linear>(new()
        {
            Describe = (m, _) => new ChannelsLastLayer((Linear)m),
            Refusal = (_, place) => place.IsInBlock
                ? null
                : "acts on the last dimension, the columns; write the trunk as a StreamingBlock, where Linear acts on the channels "
                    + $"of each pixel, or {MoveToHead}",
        });
    }

    private static void AddNorms()
    {
        Know<ChannelLayerNorm>(m => new ChannelNormLayer(m));
        // With running statistics they are local.
        Add<BatchNorm2d>(new()
        {
            Describe = (m, place) => new BatchNormLayer((BatchNorm2d)m, place.FrozenBatchNorm),
            Global = new BatchNormOfMaps(),
        });
        Add<InstanceNorm2d>(new()
        {
            Describe = (m, _) => new BatchNormLayer((InstanceNorm2d)m, evaluate: false),
            Global = new InstanceNormOfMaps(),
        });
        // In a block that of one dimension is of the channels of each pixel.
        Add<LayerNorm>(new() { Describe = (m, _) => new ChannelNormLayer((LayerNorm)m), Global = new LayerNormOfMaps() });
        Add<GroupNorm>(new() { Global = new GroupNormOfMaps() });
    }

    private static void AddRandom()
    {
        const string Unsupported = "draws random numbers in a way that is not supported; use Dropout or Dropout2d";
        var random = new LayerEntry { DrawsRandomNumbers = true };
        var masking = random with { IsIdentityInEvaluation = true };
        Add<Dropout>(masking with { Describe = (m, _) => new DropoutLayer((Dropout)m) });
        Add<Dropout2d>(masking with { Describe = (m, _) => new ChannelDropoutLayer((Dropout2d)m) });
        Add<StochasticDepth>(masking with { Describe = (m, _) => new StochasticDepthLayer((StochasticDepth)m) });
        Add<RReLU>(random with
        {
            // In evaluation mode its slope is the mean of the bounds.
            Describe = (m, _) => new FunctionLayer<RReLU>(
                (RReLU)m, (one, map) => NumberedActivations.Leaky(map, (one.lower + one.upper) / 2), 0),
            Refusal = (m, _) => m.training
                ? "draws random slopes in training mode, which is not supported; call eval() on it, or use LeakyReLU or PReLU"
                : null,
        });
        Add<Dropout1d>(random);
        Add<Dropout3d>(random);
        Add<AlphaDropout>(random with { Refusal = (_, _) => Unsupported });
        Add<FeatureAlphaDropout>(random with { Refusal = (_, _) => Unsupported });
    }

    private static void AddPooling()
    {
        const string Pool = "pool it first, such as by AdaptiveAvgPool2d";
        Add<AdaptiveAvgPool2d>(new() { Global = new PoolingOfMaps() });
        Add<AdaptiveMaxPool2d>(new() { Global = new PoolingOfMaps() });
        Add<FractionalMaxPool2d>(new()
        {
            Refusal = (_, _) => "pools windows at random places over the whole map; use MaxPool2d or AdaptiveMaxPool2d",
        });
        // Behind a pooling they are as any module on small tensors: called.
        Add<Flatten>(new() { Refusal = (_, _) => $"would lay all positions of a map into one row; {Pool}, or {MoveToHead}" });
        Add<Unflatten>(new() { Refusal = (_, _) => $"needs a flattened map; {Pool}, or {MoveToHead}" });
    }

    private static void Add<TModule>(LayerEntry entry)
        where TModule : Module => Entries.Add(typeof(TModule), entry);

    private static void Know<TModule>(Func<TModule, LocalLayer> describe)
        where TModule : Module<Tensor, Tensor> => Add<TModule>(new() { Describe = (module, _) => describe((TModule)module) });

    private static void Activation<TModule>(int kept)
        where TModule : Module<Tensor, Tensor> => Know<TModule>(m => new ActivationLayer(m, kept));

    private static void Function<TModule>(Func<TModule, Tensor, Tensor> function, int kept = 0)
        where TModule : Module<Tensor, Tensor> => Know<TModule>(m => new FunctionLayer<TModule>(m, function, kept));

    private static void Activation<TModule>(Func<TModule, bool> worksInPlace, int kept = 0, int keptInPlace = 0)
        where TModule : Module<Tensor, Tensor> =>
        Know<TModule>(m => worksInPlace(m) ? new InPlaceActivationLayer(m, keptInPlace) : new ActivationLayer(m, kept));
}
