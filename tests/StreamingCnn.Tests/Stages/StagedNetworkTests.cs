using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Reductions;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>A network has as few stages as it can, and only those maps wait that must.</summary>
public sealed class StagedNetworkTests
{
    [Fact]
    public void Of_a_chain_of_norms_the_convolutions_wait_and_each_norm_is_a_stage_more()
    {
        using var chain = Sequential(Unit("a"), Unit("b"), Unit("c"));
        var staged = Staged(chain);

        Assert.Equal(4, staged.Stages.Count);
        Assert.Equal(["0.conv", "1.conv", "2.conv"], Waiting(staged));
        Assert.All(staged.Stages.Skip(1), stage => Assert.Single(stage.Sources));
    }

    [Fact]
    public void Norms_beside_each_other_share_a_stage()
    {
        var (one, other) = (Unit("one"), Unit("other"));
        using var block = new Described(x => x.Through(one) + x.Through(other), one, other);
        var staged = Staged(block);

        Assert.Equal(2, staged.Stages.Count);
        Assert.Equal(["part0.conv", "part1.conv"], Waiting(staged));
    }

    [Fact]
    public void A_residual_sum_waits_where_a_later_stage_reads_it()
    {
        var (stem, first, second, third) = (Conv(), Unit("first"), Unit("second"), Unit("third"));
        using var block = new Described(Trace, stem, first, second, third);
        var staged = Staged(block);

        Assert.Equal(4, staged.Stages.Count);
        Assert.Equal(["part0", "part1.conv", "part2.conv", "Add", "part3.conv"], Waiting(staged));

        FeatureMap Trace(FeatureMap image)
        {
            var x = image.Through(stem);
            var sum = x + x.Through(first).Through(second);
            return sum + sum.Through(third);
        }
    }

    [Fact]
    public void A_gated_map_waits_and_nothing_else()
    {
        var (conv, linear) = (Conv(), Linear(2, 2));
        using var block = new Described(x => Gated(x.Through(conv)), conv, linear);
        var staged = Staged(block);

        Assert.Equal(2, staged.Stages.Count);
        Assert.Equal(["part0"], Waiting(staged));

        FeatureMap Gated(FeatureMap x) => x.Gate(x.Pooled(Sequential(AdaptiveAvgPool2d(1), Flatten())).Through(linear));
    }

    [Fact]
    public void A_source_is_read_again_and_never_waits()
    {
        var linear = Linear(2, 2);
        using var block = new Described(x => x.Gate(x.Pooled(Sequential(AdaptiveAvgPool2d(1), Flatten(), linear))) + x, linear);
        var staged = Staged(block);

        Assert.Equal(2, staged.Stages.Count);
        Assert.Empty(Waiting(staged));
        Assert.All(staged.Stages, stage => Assert.Equal([0], stage.Sources));
    }

    [Fact]
    public void What_follows_position_by_position_from_a_map_that_waits_is_computed_again()
    {
        var (encode, deep) = (Unit("encode"), Unit("deep"));
        using var block = new Described(Trace, encode, deep);
        var staged = Staged(block);

        // The skip over both stages is the activation of the first norm, of which the convolution waits anyhow.
        Assert.Equal(3, staged.Stages.Count);
        Assert.Equal(["part0.conv", "part1.conv"], Waiting(staged));
        Assert.Equal(2, staged.Stages[^1].Sources.Count);

        FeatureMap Trace(FeatureMap image)
        {
            var skip = image.Through(encode);
            var up = skip.Through(MaxPool2d(2)).Through(deep).Through(Upsample(scale_factor: [2, 2]));
            return FeatureMap.Concat(skip, up);
        }
    }

    [Fact]
    public void What_no_output_hangs_on_is_left_out()
    {
        var (conv, unread) = (Conv(), Conv());
        using var block = new Described(Trace, conv, unread);
        var staged = Staged(block);

        Assert.Equal(2, staged.Stages.Count);
        Assert.Equal(["part0"], Waiting(staged));
        Assert.Equal(2, staged.Stages.Sum(stage => stage.Reductions.Count));

        FeatureMap Trace(FeatureMap image)
        {
            var x = image.Through(conv);
            var mean = x.Reduce(new SumReduction())[0];
            // Three stages deep, read by nobody.
            var scaled = x.Scale(mean).Through(unread);
            scaled.Scale(scaled.Reduce(new SumReduction())[0]).Reduce(new MomentsReduction());
            return x.Shift(mean).Scale(x.Reduce(new MomentsReduction())[0]);
        }
    }

    [Fact]
    public void Running_statistics_are_kept_of_a_norm_that_no_output_hangs_on()
    {
        var (conv, norm) = (Conv(), BatchNorm2d(2));
        using var block = new Described(Trace, conv, norm);
        using var streaming = new StreamingModule(block, new() { Tile = (8, 8) });
        using var grad = no_grad();
        using var image = rand(1, 2, 20, 20);

        using var output = streaming.forward(image);

        Assert.Equal(1, norm.num_batches_tracked!.item<long>());
        Assert.NotEqual(0, norm.running_mean!.abs().sum().item<float>());

        FeatureMap Trace(FeatureMap input)
        {
            var x = input.Through(conv);
            x.Through(norm).Through(conv);
            return x;
        }
    }

    private static StagedNetwork Staged(Module<Tensor, Tensor> network) => new(GraphBuilder.Trace(network, 2), [true]);

    private static IEnumerable<string> Waiting(StagedNetwork staged) =>
        staged.Network.Maps.Where(map => staged.IsBoundary(map.Index)).Select(map => map.Path.Split('#')[0]);

    private static TorchSharp.Modules.Conv2d Conv() => Conv2d(2, 2, 3, padding: 1);

    private static TorchSharp.Modules.Sequential Unit(string name) =>
        Sequential(("conv", Conv()), ("norm", BatchNorm2d(2)), ("act", ReLU()));
}
