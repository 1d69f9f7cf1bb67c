using StreamingCnn.Models;
using StreamingCnn.Onnx;
using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Tests.Export;

/// <summary>Each layer, gate and pooling by itself: ONNX Runtime and the import compute what it computes.</summary>
public sealed class LayerExportTests : IDisposable
{
    private static readonly Dictionary<string, Func<Module<Tensor, Tensor>>> Layers = new()
    {
        ["Celu"] = () => CELU(0.7),
        ["Selu"] = () => SELU(),
        ["Elu"] = () => ELU(0.7),
        ["Mish"] = () => Mish(),
        ["GELU"] = () => GELU(),
        ["GELU by tanh"] = () => GELU(TorchSharp.Modules.GELU.Approximate.tanh),
        ["Softplus"] = () => Softplus(),
        ["sharp Softplus"] = () => Softplus(3),
        ["LogSigmoid"] = () => LogSigmoid(),
        ["Tanhshrink"] = () => Tanhshrink(),
        ["Softshrink"] = () => Softshrink(0.4),
        ["Hardshrink"] = () => Hardshrink(0.4),
        ["Threshold"] = () => Threshold(0.3, 0),
        ["RReLU"] = () => RReLU(0.1, 0.3),
        ["Hardtanh"] = () => Hardtanh(-0.7, 0.4, inplace: true),
        ["PReLU of all"] = () => PReLU(1),
        ["PReLU"] = () => PReLU(6),
        ["GLU"] = () => GLU(1),
        ["LogSoftmax"] = () => LogSoftmax(1),
        ["Softmax2d"] = () => Softmax2d(),
        ["ChannelShuffle"] = () => ChannelShuffle(3),
        ["PixelUnshuffle"] = () => Sequential(Upsample(scale_factor: [2, 2]), PixelUnshuffle(2)),
        ["ChannelScale"] = () => new ChannelScale(6, 0.5),
        ["BlurPool"] = () => new BlurPool(),
        ["BlurPool of an even size"] = () => new BlurPool(4, 3),
        ["BlurPool of one position"] = () => new BlurPool(1, 2),
        ["StackedPatches"] = () => new StackedPatches(),
        ["attention in windows"] = () => new WindowAttention(6, 2, 5),
        ["attention in shifted windows"] = () => new WindowAttention(6, 3, 5, 2),
        ["attention in windows that are shifted along one axis"] = () => new WindowAttention(6, 3, 22, 3),
        ["attention in one window"] = () => new WindowAttention(6, 1, 30, 7),
        ["attention to neighbours"] = () => new NeighbourhoodAttention(6, 2, 5),
        ["attention to many neighbours"] = () => new NeighbourhoodAttention(6, 3, 11),
        ["attention to more neighbours than there are"] = () => new NeighbourhoodAttention(6, 1, 25),
        ["bicubic"] = () => Upsample(scale_factor: [2, 3], mode: UpsampleMode.Bicubic, align_corners: false),
        ["bicubic to corners"] = () => Upsample(scale_factor: [3, 2], mode: UpsampleMode.Bicubic, align_corners: true),
        ["resized to another map"] = () => new Fitted((map, other) => map.ResizedTo(other)),
        ["resized to another map's corners"] = () => new Fitted((map, other) => map.ResizedTo(other, alignCorners: true)),
        ["nearest at another map's size"] = () => new Fitted((map, other) => map.ResizedTo(other, UpsampleMode.Nearest)),
        ["bicubic at another map's size"] = () => new Fitted((map, other) => map.ResizedTo(other, UpsampleMode.Bicubic)),
        ["cropped to another map"] = () => new Fitted((map, other) => map.Through(Upsample(scale_factor: [2, 2])).CroppedTo(other)),
        ["averages rounded up"] = () => AvgPool2d(3, 2, ceil_mode: true),
        ["averages beside a border"] = () => AvgPool2d(3, 2, 1, count_include_pad: false),
        ["maxima rounded up"] = () => MaxPool2d(3, 2, 1, ceil_mode: true),
        ["GroupNorm"] = () => GroupNorm(3, 6),
        ["GroupNorm without weights"] = () => GroupNorm(2, 6, affine: false),
        ["InstanceNorm"] = () => InstanceNorm2d(6, affine: true),
        ["InstanceNorm without weights"] = () => InstanceNorm2d(6),
        ["InstanceNorm with running statistics"] = () => InstanceNorm2d(6, affine: true, track_running_stats: true),
        ["response norm"] = () => new GlobalResponseNorm(6),
        ["channel attention"] = () => new EfficientChannelAttention(6),
        ["squeeze and excitation"] = () => new SqueezeExcite(6, 3, SiLU(), Hardsigmoid()),
        ["average"] = () => AdaptiveAvgPool2d(1),
        ["maximum"] = () => AdaptiveMaxPool2d([1, 1]),
        ["MeanPooling"] = () => new MeanPooling(),
        ["MaxPooling"] = () => new MaxPooling(),
        ["SumPooling"] = () => new SumPooling(),
        ["GeM"] = () => new GeMPooling(3),
        ["GeM of a trained exponent"] = () => new GeMPooling(2.5, isTrained: true, boundsMean: false),
        ["LogSumExp"] = () => new LogSumExpPooling(4),
        ["top-k"] = () => new TopKPooling(7),
        ["variance"] = () => new VariancePooling(),
        ["gated attention"] = () => new GatedAttentionPooling(6, 4),
        ["attention of logits"] = () => new LogitAttention(0.7),
        ["attention of sigmoids"] = () => new SigmoidAttention(0.3, isTrained: true),
    };

    // Layers that are several operators in a file, and one again when they come back.
    private static readonly string[] PutTogether =
    [
        "GELU", "ChannelScale", "BlurPool", "BlurPool of an even size", "StackedPatches", "GroupNorm", "response norm",
        "attention in windows", "attention in shifted windows", "attention in one window", "attention to neighbours",
        "attention to more neighbours than there are",
    ];

    private static readonly Dictionary<string, (Func<Module<Tensor, Tensor>> Make, string Reason)> Refused = new()
    {
        ["bins"] = (() => AdaptiveAvgPool2d(7), "pools to 7 x 7 values"),
        ["variance of a softmax"] = (() => new VariancePooling(ofSoftmax: true), "variance of a softmax"),
        ["a threshold"] = (() => Softplus(1, 0.5), "linear above a threshold"),
        ["another number"] = (() => Threshold(0.1, 2), "another number than 0"),
        ["a divisor"] = (() => AvgPool2d(2, divisor_override: 3), "divides by a number of its own"),
        ["a norm of maps"] = (() => LayerNorm([6, 20, 20], elementwise_affine: false), "more than channels"),
        ["a penalty"] = (() => new SizeFocalPooling(), "for losses alone"),
    };

    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Names => [.. Layers.Keys];

    public static TheoryData<string> NamesOfPutTogether => [.. PutTogether];

    public static TheoryData<string> RefusedNames => [.. Refused.Keys];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void A_layer_goes_out_and_comes_back(string name)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(2);
        using var network = Sequential(("conv", Conv2d(3, 6, 3)), ("layer", Layers[name]()));
        foreach (var parameter in network.parameters())
            init.normal_(parameter, 0.5, 0.3);
        Exported.Disturb(network);
        Exported.Check(network, folder, 23, 30).Dispose();
    }

    [Theory]
    [MemberData(nameof(NamesOfPutTogether))]
    public void A_layer_that_was_taken_apart_is_the_same_again(string name)
    {
        using var scope = NewDisposeScope();
        using var network = Sequential(("conv", Conv2d(3, 6, 3)), ("layer", Layers[name]()));
        network.eval();
        OnnxExport.Write(network, folder.File("net.onnx"));
        using var again = OnnxNetwork.Load(folder.File("net.onnx"));
        var (layers, parameters) = Exported.Graph(network);
        var (layersAgain, parametersAgain) = Exported.Graph(again);
        Assert.Equal(parameters, parametersAgain);
        Assert.Equal(layers, layersAgain);
    }

    [Fact]
    public void A_scale_that_runs_twice_is_one_parameter()
    {
        using var scope = NewDisposeScope();
        using var network = new Twice();
        Exported.Disturb(network);
        using var again = Exported.Check(network, folder, 23, 30);
        Assert.Equal(Exported.Graph(network).Parameters, Exported.Graph(again).Parameters);
    }

    [Theory]
    [MemberData(nameof(RefusedNames))]
    public void What_has_no_form_is_refused_by_name(string name)
    {
        using var scope = NewDisposeScope();
        using var network = Sequential(("first", Conv2d(3, 6, 3)), ("norm", Refused[name].Make()));
        var refusal = Assert.Throws<UnsupportedOnnxException>(() => OnnxExport.Write(network, folder.File("net.onnx")));
        Assert.Contains("'", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(Refused[name].Reason, refusal.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("net.onnx")));
    }

    /// <summary>The same factors of a convolution's map, and of that once more.</summary>
    private sealed class Twice : StreamingBlock
    {
        private readonly TorchSharp.Modules.Conv2d conv = Conv2d(3, 6, 3);
        private readonly ChannelScale scale = new(6, 0.5);

        public Twice()
            : base(nameof(Twice)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input) => input.Through(conv).Through(scale).Through(scale);
    }

    /// <summary>A map of half the size, brought to the whole one's, to which it is added.</summary>
    private sealed class Fitted : StreamingBlock
    {
        private readonly TorchSharp.Modules.AvgPool2d half = AvgPool2d(2, ceil_mode: true);
        private readonly Func<FeatureMap, FeatureMap, FeatureMap> fit;

        public Fitted(Func<FeatureMap, FeatureMap, FeatureMap> fit)
            : base(nameof(Fitted))
        {
            this.fit = fit;
            RegisterComponents();
        }

        public override FeatureMap Trace(FeatureMap input) => input + fit(input.Through(half), input);
    }
}
