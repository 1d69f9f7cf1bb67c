using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Surface;

/// <summary>Layers that cannot be streamed are refused before any computation, by path, with what to do.</summary>
public class RefusedLayerTests
{
    public static TheoryData<string, string> Sentences => new()
    {
        { "groups", "Layer 'bad' (GroupNorm) cannot divide 4 channels into 3 groups; choose a divisor." },
        { "groupnorm", "Layer 'bad' (GroupNorm) expects 6 channels, but gets 4." },
        { "batchnorm", "Layer 'bad' (BatchNorm2d) expects 5 channels, but gets 4." },
        { "instancenorm", "Layer 'bad' (InstanceNorm2d) expects 3 channels, but gets 4." },
        { "half", "Layer 'bad' (BatchNorm2d) has only one of running_mean and running_var; set both, or neither." },
        { "none", "Layer 'bad' (InstanceNorm2d) has no running statistics, which it needs in evaluation mode; set running_mean and running_var, or call train() on it." },
        { "columns", "Layer 'bad' (LayerNorm) normalises over the columns alone; use ChannelLayerNorm, or a StreamingBlock, where LayerNorm acts on each pixel's channels." },
        { "images", "Layer 'bad' (LayerNorm) normalises over 4 dimensions; give it channels, height and width, or use GroupNorm." },
        { "places", "Layer 'bad' (LayerNorm) has a weight for each position of the map, which cannot be streamed; set elementwise_affine to false, or use GroupNorm." },
        { "layernorm", "Layer 'bad' (LayerNorm) expects 3 channels, but gets 4." },
        { "size", "Layer 'bad' (LayerNorm) cannot be applied to an image of height 33: takes maps of 32 x 33 alone, but gets a side of 33." },
        { "pool", "Layer 'bad' (AdaptiveAvgPool2d) has the output size [2, 0]; give it two whole numbers of at least 1." },
        { "maxpool", "Layer 'bad' (AdaptiveMaxPool2d) has the output size [2]; give it two whole numbers of at least 1." },
        { "randompool", "Layer 'bad' (FractionalMaxPool2d) pools windows at random places over the whole map; use MaxPool2d or AdaptiveMaxPool2d." },
        { "circular", "Layer 'bad' (Conv2d) pads circularly, so that its first output reads the image's last pixels; use zeros, reflect or replicate padding." },
        // Padding by 'same' here is (0, 0) in front, but (0, 1) behind.
        { "same", "Layer 'bad' (Conv2d) pads by 'same' with mode Reflect, which TorchSharp applies to the wrong axes unless both have the same padding; give the padding as numbers." },
        { "flatten", "Layer 'bad' (Flatten) would lay all positions of a map into one row; pool it first, such as by AdaptiveAvgPool2d, or move it to the head, behind the streamed trunk." },
        { "unflatten", "Layer 'bad' (Unflatten) needs a flattened map; pool it first, such as by AdaptiveAvgPool2d, or move it to the head, behind the streamed trunk." },
        { "trilinear", "Layer 'bad' (Upsample) interpolates with mode Trilinear, which is not supported; use Nearest, Bilinear or Bicubic." },
        { "fractional", "Layer 'bad' (Upsample) has the scale factor 1.5; give a whole number of at least 1, or the output size." },
        { "softmax", "Layer 'bad' (Softmax) runs over dimension 3, which is not that of the channels; use dimension 1, or move it to the head." },
        { "linear", "Layer 'bad' (Linear) acts on the last dimension, the columns; write the trunk as a StreamingBlock, where Linear acts on the channels of each pixel, or move it to the head, behind the streamed trunk." },
        { "unknown", "Layer 'bad' (Unknown) is not known to the engine; derive it from StreamingBlock, teach it with LayerRegistry.Register, set StreamingOptions.Mode to Overlap, or move it to the head, behind the streamed trunk." },
        { "divisible", "Layer 'bad' (PixelUnshuffle) cannot be applied to an image of height 33: needs a length divisible by 2, but gets 33." },
        { "reflection", "Layer 'bad' (ReflectionPad2d) cannot be applied to an image of height 33: Reflection padding of (33, 33) must be at least 0 and smaller than the input, whose length is 33." },
        { "crop", "Layer 'bad' (ZeroPad2d) cannot be applied to an image of height 33: crops by (40, -34) more than the 33 positions that there are." },
    };

    [Theory]
    [MemberData(nameof(Sentences))]
    public void A_layer_that_cannot_be_streamed_is_named_with_its_cure(string kind, string sentence)
    {
        Module<Tensor, Tensor> bad = kind switch
        {
            "groups" => GroupNorm(3, 4, affine: false),
            "groupnorm" => GroupNorm(2, 6),
            "batchnorm" => BatchNorm2d(5),
            "instancenorm" => InstanceNorm2d(3),
            "half" => Without(BatchNorm2d(4), norm => norm.running_mean = null),
            "none" => Without(InstanceNorm2d(4, track_running_stats: true), norm => (norm.running_mean, norm.running_var) = (null, null)),
            "columns" => LayerNorm(32),
            "images" => LayerNorm([1, 4, 33, 32], elementwise_affine: false),
            "places" => LayerNorm([4, 33, 32]),
            "layernorm" => LayerNorm([3, 33, 32], elementwise_affine: false),
            "size" => LayerNorm([4, 32, 33], elementwise_affine: false),
            "pool" => AdaptiveAvgPool2d((2, 0)),
            "maxpool" => AdaptiveMaxPool2d([2]),
            "randompool" => FractionalMaxPool2d(2, output_size: 3),
            "unflatten" => Unflatten(1, [2, 2]),
            "circular" => Conv2d(4, 4, 3, padding: 1, padding_mode: PaddingModes.Circular),
            "same" => Conv2d(4, 4, (1, 2), padding: TorchSharp.Padding.Same, padding_mode: PaddingModes.Reflect),
            "flatten" => Flatten(),
            "trilinear" => Upsample(scale_factor: [2, 2], mode: UpsampleMode.Trilinear),
            "fractional" => Upsample(scale_factor: [1.5, 1.5]),
            "softmax" => Softmax(3),
            "linear" => Linear(4, 4),
            "divisible" => PixelUnshuffle(2),
            "reflection" => ReflectionPad2d(33),
            "crop" => ZeroPad2d((0, 0, 40, -34)),
            _ => new Unknown(),
        };
        using var streaming = new StreamingModule(
            Sequential(("conv", Conv2d(3, 4, 3, padding: 1)), ("bad", bad)), new() { Tile = (16, 16) });

        Assert.Equal(sentence, Assert.Throws<UnsupportedLayerException>(() => streaming.forward(randn(1, 3, 33, 32))).Message);
    }

    [Fact]
    public void The_path_leads_through_nested_modules()
    {
        using var trunk = Sequential(("stage1", Sequential(("block", Sequential(("norm", InstanceNorm2d(4)))))));
        using var streaming = new StreamingModule(trunk);

        Assert.Equal("stage1.block.norm", Assert.Throws<UnsupportedLayerException>(() => streaming.forward(randn(1, 3, 64, 64))).Path);
    }

    [Fact]
    public void Maps_of_different_size_cannot_be_joined()
    {
        using var streaming = new StreamingModule(new Uneven());

        Assert.Equal(
            "Layer 'Add#2' (Add) cannot be applied to an image of 20 x 20: joins maps of different size: 20 x 20 and 18 x 18.",
            Assert.Throws<UnsupportedLayerException>(() => streaming.Plan(20, 20)).Message);
    }

    /// <summary>PyTorch says so as well; TorchSharp sets the running variance to NaN.</summary>
    [Fact]
    public void One_value_has_no_deviation_to_divide_by()
    {
        using var scope = NewDisposeScope();
        var (batch, instance) = (BatchNorm2d(3), InstanceNorm2d(3, track_running_stats: true));
        foreach (var norm in new Module<Tensor, Tensor>[] { batch, instance })
        {
            using var streaming = new StreamingModule(Sequential(("norm", norm)));
            Assert.Equal(
                $"Layer 'norm' ({norm.GetType().Name}) expects more than 1 value per channel to take statistics of, but gets 1; use a larger image, or running statistics.",
                Assert.Throws<UnsupportedLayerException>(() => streaming.forward(randn(1, 3, 1, 1))).Message);
            Assert.All(norm.buffers(), buffer => Assert.False(buffer.isnan().any().item<bool>()));
        }

        using var two = new StreamingModule(batch);
        Assert.Equal(3, two.forward(randn(2, 3, 1, 1)).shape[1]);
    }

    /// <summary>The module in evaluation mode, without some statistics.</summary>
    private static T Without<T>(T norm, Action<T> take)
        where T : Module
    {
        norm.eval();
        take(norm);
        return norm;
    }

    private sealed class Unknown() : Module<Tensor, Tensor>(nameof(Unknown))
    {
        public override Tensor forward(Tensor input) => input.alias();
    }

    private sealed class Uneven : StreamingBlock
    {
        private readonly TorchSharp.Modules.Conv2d conv = Conv2d(3, 3, 3);

        public Uneven()
            : base(nameof(Uneven)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input) => input + input.Through(conv);
    }
}
