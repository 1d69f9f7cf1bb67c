using StreamingCnn.Reductions;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>Small tensors are what whole maps make of them, whatever modules and functions do.</summary>
public sealed class SmallTensorTests
{
    private const double Tolerance = 1e-12;

    [Fact]
    public void A_module_that_works_in_place_changes_its_argument_for_nobody_else() => Check(() =>
    {
        var linear = Linear(2, 2);
        return new Described(Trace, linear);

        FeatureMap Trace(FeatureMap x)
        {
            var mean = x.Pooled(Sequential(AdaptiveAvgPool2d(1), Flatten())).Through(linear).Apply(t => t - 0.3);
            return x.Scale(mean.Through(ReLU(inplace: true))).Shift(mean);
        }
    });

    [Fact]
    public void A_function_may_cut_off_the_gradient() => Check(() => new Described(
        x => x.Scale(Sum(x).Apply(sum => sum.detach())) + x.Shift(Sum(x).Apply(sum => ones_like(sum)))));

    [Fact]
    public void One_map_may_be_a_reduction_s_map_and_its_weights() => Check(() => new Described(
        x => x.Shift(x.Through(Sigmoid()) is var y ? y.Reduce(new SumReduction(weighted: true), y)[0] : null!)));

    [Fact]
    public void A_parameter_may_serve_a_map_and_a_small_tensor() => Check(() =>
    {
        var linear = Linear(2, 2);
        return new Described(
            x => x.Shift(x.Through(linear).Pooled(Sequential(AdaptiveAvgPool2d(1), Flatten(), linear))).Through(linear), linear);
    });

    [Fact]
    public void A_random_layer_draws_the_same_numbers_in_every_stage_that_computes_it()
    {
        using var scope = NewDisposeScope();
        var (linear, dropout) = (Linear(2, 2), Dropout(0.5));
        var network = new Described(Trace, linear, dropout).@double();
        using var streaming = new StreamingModule(network, new() { Tile = (8, 8) });

        var output = streaming.forward(rand(2, 2, 20, 20, ScalarType.Float64));

        Assert.True(output.mean([2, 3]).abs().max().item<double>() < Tolerance);

        FeatureMap Trace(FeatureMap x)
        {
            var dropped = x.Through(linear).Through(dropout);
            return dropped.Shift(dropped.Reduce(new MomentsReduction())[0].Apply(mean => -mean));
        }
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(3, false)]
    [InlineData(2, true)]
    public void Its_channels_are_one_or_the_map_s(int channels, bool isRight)
    {
        var linear = Linear(2, channels);
        using var network = new Described(x => x.Scale(x.Pooled(Sequential(AdaptiveAvgPool2d(1), Flatten(), linear))), linear);
        Refused(network, isRight, $"gets a small tensor of 2 images and {channels} channels, but the map has 2 and 2");
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void Its_images_are_one_or_the_map_s(int split, bool isRight)
    {
        using var network = new Described(x => x.Shift(x.Reduce(new SumReduction())[0].Apply(sum => sum.repeat(3 - split, 1))));
        Refused(network, isRight, "gets a small tensor of 4 images and 2 channels, but the map has 2 and 2");
    }

    [Fact]
    public void A_map_of_one_channel_is_not_widened()
    {
        using var network = new Described(x => x.Slice(0, 1).Scale(x.Reduce(new SumReduction())[0]));
        Refused(network, false, "gets a small tensor of 2 images and 2 channels, but the map has 2 and 1");
    }

    private static GlobalTensor Sum(FeatureMap map) => map.Reduce(new SumReduction())[0];

    private static void Refused(Described network, bool isRight, string sentence)
    {
        using var scope = NewDisposeScope();
        using var streaming = new StreamingModule(network, new() { Tile = (8, 8) });
        var image = rand(2, 2, 20, 20);
        foreach (var forward in new Func<Tensor, Tensor>[] { network.forward, streaming.forward })
        {
            if (isRight)
                Assert.Equal([2, 2, 20, 20], forward(image).shape);
            else
                Assert.Contains(sentence, Assert.Throws<UnsupportedLayerException>(() => forward(image)).Message);
        }
    }

    private static void Check(Func<Described> make)
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        var (name, error) = GlobalStep.Worst(
            () => make().@double(), rand(2, 2, 21, 33, ScalarType.Float64) - 0.3, new() { Tile = (9, 8) });
        Assert.True(error < Tolerance, $"{name}: {error}");
    }
}
