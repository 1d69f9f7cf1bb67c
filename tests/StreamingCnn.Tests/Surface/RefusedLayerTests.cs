using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Surface;

/// <summary>Layers that are not local are refused before any computation, by path, with what to do.</summary>
public class RefusedLayerTests
{
    public static TheoryData<string, string> Sentences => new()
    {
        { "groupnorm", "Layer 'bad' (GroupNorm) normalises over the whole map; use ChannelLayerNorm, or move it to the head, behind the streamed trunk." },
        { "instancenorm", "Layer 'bad' (InstanceNorm2d) normalises over the whole map; use ChannelLayerNorm, or move it to the head, behind the streamed trunk." },
        { "circular", "Layer 'bad' (Conv2d) pads circularly, so that its first output reads the image's last pixels; use zeros, reflect or replicate padding." },
        // Padding by 'same' here is (0, 0) in front, but (0, 1) behind.
        { "same", "Layer 'bad' (Conv2d) pads by 'same' with mode Reflect, which TorchSharp applies to the wrong axes unless both have the same padding; give the padding as numbers." },
        { "flatten", "Layer 'bad' (Flatten) mixes all positions; move it to the head, behind the streamed trunk." },
        { "bicubic", "Layer 'bad' (Upsample) interpolates with mode Bicubic, which is not supported; use Nearest or Bilinear." },
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
            "groupnorm" => GroupNorm(2, 4),
            "instancenorm" => InstanceNorm2d(4),
            "circular" => Conv2d(4, 4, 3, padding: 1, padding_mode: PaddingModes.Circular),
            "same" => Conv2d(4, 4, (1, 2), padding: TorchSharp.Padding.Same, padding_mode: PaddingModes.Reflect),
            "flatten" => Flatten(),
            "bicubic" => Upsample(scale_factor: [2, 2], mode: UpsampleMode.Bicubic),
            "fractional" => Upsample(scale_factor: [1.5, 1.5]),
            "softmax" => Softmax(3),
            "linear" => Linear(4, 4),
            "divisible" => PixelUnshuffle(2),
            "reflection" => ReflectionPad2d(33),
            "crop" => ZeroPad2d((0, 0, 40, -34)),
            _ => new Unknown(),
        };
        using var streaming = new StreamingModule(Sequential(("conv", Conv2d(3, 4, 3, padding: 1)), ("bad", bad)), new() { Tile = (16, 16) });

        Assert.Equal(sentence, Assert.Throws<UnsupportedLayerException>(() => streaming.forward(randn(1, 3, 33, 32))).Message);
    }

    [Fact]
    public void The_path_leads_through_nested_modules()
    {
        using var trunk = Sequential(("stage1", Sequential(("block", Sequential(("norm", InstanceNorm2d(3)))))));
        using var streaming = new StreamingModule(trunk);

        Assert.Equal("stage1.block.norm", Assert.Throws<UnsupportedLayerException>(() => streaming.Plan(64, 64)).Path);
    }

    [Fact]
    public void Maps_of_different_size_cannot_be_joined()
    {
        using var streaming = new StreamingModule(new Uneven());

        Assert.Equal(
            "Layer 'Add#2' (Add) cannot be applied to an image of height 20: joins maps of different height: 20 and 18.",
            Assert.Throws<UnsupportedLayerException>(() => streaming.Plan(20, 20)).Message);
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
