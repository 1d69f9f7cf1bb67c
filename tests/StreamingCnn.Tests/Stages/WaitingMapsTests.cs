using StreamingCnn.Execution;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Models;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Stages;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>What need not wait between stages is computed again from what does; the law on random networks chooses it at random.</summary>
public sealed class WaitingMapsTests
{
    [Fact]
    public void What_does_not_wait_is_computed_again_from_what_does()
    {
        using var scope = NewDisposeScope();
        using var network = Sequential(Conv2d(3, 4, 3), ReLU(), Conv2d(4, 24, 3), InstanceNorm2d(24), Conv2d(24, 4, 1));
        var traced = GraphBuilder.Trace(network, 3);
        var (narrow, wide) = (Map("0"), Map("2"));

        var all = new StagedNetwork(traced, [true]);
        Assert.True(all.IsBoundary(wide));
        Assert.False(all.IsBoundary(narrow));

        var fewer = new StagedNetwork(traced, [true], new HashSet<int> { narrow });
        Assert.True(fewer.IsBoundary(narrow));
        Assert.False(fewer.IsBoundary(wide));
        Assert.Equal([narrow], fewer.Stages[1].Sources);
        Assert.Contains(fewer.Stages[1].Graph!.Layers, node => node.Key == wide);

        var none = new StagedNetwork(traced, [true], new HashSet<int>());
        Assert.Equal([0], none.Stages[1].Sources);

        int Map(string path) => traced.Maps.First(node => node.Path == path && node.Layer!.WorkPerPosition > 0).Index;
    }

    /// <summary>The wide maps of bottlenecks cost more to write and read than to compute.</summary>
    [Fact]
    public void Where_a_disk_is_too_slow_for_all_the_planner_lets_fewer_wait()
    {
        using var scope = NewDisposeScope();
        using var trunk = ModelCatalog.Create("resnet50", norm: NormKind.Group);
        using var streaming = new StreamingModule(
            trunk, new() { MemoryBudget = 800L << 20, BoundaryMaps = CarryPlace.File, Carry = CarryPlace.File });
        var plan = streaming.Plan(2048, 2048);
        var text = plan.Explanation;
        Assert.Contains("again, which stage", text, StringComparison.Ordinal);
        Assert.True(plan.StepBytes <= 800L << 20);
        using var roomy = new StreamingModule(trunk, new() { MemoryBudget = 64L << 30 });
        Assert.DoesNotContain("again, which stage", roomy.Plan(2048, 2048).Explanation, StringComparison.Ordinal);
    }
}
