using StreamingCnn.Tests.Exactness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Surface;

/// <summary>Networks with several inputs as users meet them: plans, budgets, refusals.</summary>
public class StreamingNetworkTests
{
    [Fact]
    public void Within_a_budget_it_equals_the_whole()
    {
        using var scope = NewDisposeScope();
        using var network = new Masked();
        network.to(ScalarType.Float64);
        Tensor[] inputs = [Image(3, 300, 260), Image(1, 75, 65)];
        var expected = network.forward(inputs)[0];
        using var streaming = new StreamingNetwork(network, new() { MemoryBudget = 50 << 20 });

        var actual = streaming.forward(inputs)[0];

        Assert.True(Compare.RelativeError(actual.detach(), expected.detach()) < 1e-12);

        static Tensor Image(long channels, long height, long width) => randn(1, channels, height, width, dtype: ScalarType.Float64);
    }

    [Fact]
    public void Its_plan_counts_in_pixels_of_the_largest_input()
    {
        using var network = new Masked();
        using var streaming = new StreamingNetwork(network, new() { Tile = (64, 80) });

        var plan = streaming.Plan((3, 300, 260), (1, 75, 65));

        Assert.Equal(((300L, 260L), (64L, 80L)), (plan.Image, plan.Tile));
        Assert.Equal([(75L, 65L)], plan.Outputs);
        Assert.Equal(1, plan.ComputedOnceRatio);
    }

    [Fact]
    public void What_cannot_be_run_is_refused_in_a_sentence()
    {
        using var scope = NewDisposeScope();
        using var network = new Masked();
        using var streaming = new StreamingNetwork(network, new() { Tile = (32, 32) });
        Tensor Image(long batch, long channels, long height, long width) => rand(batch, channels, height, width);

        Assert.Equal(
            "Masked has 2 inputs, but 1 were given; give one for each, in the order of its Trace.",
            Assert.Throws<ArgumentException>(() => streaming.forward([Image(1, 3, 40, 40)])).Message);
        Assert.Equal(
            "Masked has 2 inputs, but 3 were given; give one for each, in the order of its Trace.",
            Assert.Throws<ArgumentException>(
                () => network.forward([Image(1, 3, 40, 40), Image(1, 1, 10, 10), Image(1, 1, 10, 10)])).Message);
        Assert.StartsWith(
            "An input is null; give one for each.",
            Assert.Throws<ArgumentException>(() => streaming.forward([Image(1, 3, 40, 40), null!])).Message);
        Assert.StartsWith(
            "The inputs have batches of 2 and 1 images; give all of them the same number.",
            Assert.Throws<ArgumentException>(() => streaming.forward([Image(2, 3, 40, 40), Image(1, 1, 10, 10)])).Message);
        Assert.StartsWith(
            "The image has the shape [3, 40, 40]; give a batch of images [N, C, H, W].",
            Assert.Throws<ArgumentException>(() => streaming.forward([rand(3, 40, 40), Image(1, 1, 10, 10)])).Message);
        Assert.Equal(
            "Layer 'Concat#3' (Concat) cannot be applied to inputs of 40 x 40 and 11 x 10: joins maps of different size: 10 x 10 and 11 x 10.",
            Assert.Throws<UnsupportedLayerException>(() => streaming.forward([Image(1, 3, 40, 40), Image(1, 1, 11, 10)])).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => streaming.Plan((3, 40, 40), (1, 0, 10)));
    }

    [Fact]
    public void An_input_that_is_changed_between_the_passes_is_noticed()
    {
        using var scope = NewDisposeScope();
        using var network = new Masked();
        using var streaming = new StreamingNetwork(network, new() { Tile = (32, 32) });
        Tensor[] inputs = [rand(1, 3, 40, 40), rand(1, 1, 10, 10)];
        var loss = streaming.forward(inputs)[0].sum();

        inputs[1].zero_();

        var failure = Assert.ThrowsAny<Exception>(() => loss.backward());
        Assert.StartsWith("The image was changed in place between the forward and the backward pass", failure.Message);
    }

    private sealed class Masked : MultiInputBlock
    {
        private readonly Conv2d features = Conv2d(3, 8, 4, stride: 4);
        private readonly Conv2d evidence = Conv2d(9, 2, 3, padding: 1);

        public Masked()
            : base(nameof(Masked), inputs: 2) => RegisterComponents();

        public override IReadOnlyList<FeatureMap> Trace(IReadOnlyList<FeatureMap> inputs) =>
            [FeatureMap.Concat(inputs[0].Through(features), inputs[1]).Through(evidence)];
    }
}
