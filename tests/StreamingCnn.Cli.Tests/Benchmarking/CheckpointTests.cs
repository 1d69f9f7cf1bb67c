using StreamingCnn.Cli.Benchmarking;
using StreamingCnn.Graph;
using StreamingCnn.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Cli.Tests.Benchmarking;

/// <summary>The conventional step whose blocks are computed again.</summary>
public class CheckpointTests
{
    [Theory]
    [InlineData("resnet18", false)]
    [InlineData("resnet18", true)]
    [InlineData("small", true)]
    public void Its_gradients_are_those_of_the_conventional_step(string model, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var trunk = ModelCatalog.Create(model).to(ScalarType.Float64);
        trunk.eval();
        Randomise(trunk);
        var image = randn(1, 3, 96, 64, ScalarType.Float64);
        if (channelsLast)
            image = image.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

        var loss = Loss(trunk.forward(image));
        loss.backward();
        var expected = Gradients(trunk);
        trunk.zero_grad();
        var again = new CheckpointedTrunk(trunk, 3, 96).Step(image, Loss);

        Assert.Equal(loss.item<double>(), again.item<double>());
        Assert.NotEmpty(expected);
        Assert.All(Gradients(trunk).Zip(expected), pair => Assert.InRange(
            (pair.First - pair.Second).abs().max().item<double>(), 0, 1e-12 * pair.Second.abs().max().item<double>()));
        Assert.Equal(expected.Count, Gradients(trunk).Count);
    }

    [Fact]
    public void Each_residual_block_is_a_segment_and_so_is_what_stands_before_the_first()
    {
        using var trunk = ModelCatalog.Create("resnet34");
        trunk.eval();

        var segments = CheckpointSegments.Of(GraphBuilder.Trace(trunk, 3).Local, 256);

        Assert.Equal(1 + 3 + 4 + 6 + 3, segments.Count);
        Assert.Equal(["conv1", "bn1", "relu", "maxpool"], Paths(segments[0]));
        Assert.Equal("layer1.0.conv1", Paths(segments[1])[0]);
        Assert.All(segments.Skip(1), block => Assert.EndsWith("relu", Paths(block)[^1]));
    }

    [Fact]
    public void A_chain_is_cut_before_convolutions_on_smaller_maps()
    {
        using var trunk = ModelCatalog.Create("pathology-2048");

        var segments = CheckpointSegments.Of(GraphBuilder.Trace(trunk, 3).Local, 256);

        // Two convolutions with their activations, and a pooling.
        Assert.Equal([5, 5, 5, 5, 5], segments.Select(segment => segment.Layers.Count));
    }

    /// <summary>Of all the maps of a block nothing remains until its turn comes.</summary>
    [Fact]
    public void It_takes_less_memory_than_the_conventional_step()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads the peak memory of a process from Linux.");
        var setting = new StepSetting("resnet18", 512, 512, StepMethod.Last, 0, 0, Threads: 1, WarmUp: 0);

        var last = PlannedMemoryTests.Measure(setting);
        var checkpoint = PlannedMemoryTests.Measure(setting with { Method = StepMethod.Checkpoint });

        Assert.InRange(checkpoint.PeakBytes - checkpoint.BaseBytes, 1, 0.9 * (last.PeakBytes - last.BaseBytes));
    }

    private static void Randomise(Module<Tensor, Tensor> trunk)
    {
        using var grad = no_grad();
        foreach (var norm in trunk.modules().OfType<BatchNorm2d>())
        {
            norm.running_mean!.normal_(0, 0.1);
            norm.running_var!.uniform_(0.5, 1.5);
        }
    }

    private static Tensor Loss(Tensor map) => map.mean([2, 3]).square().mean();

    private static List<Tensor> Gradients(Module<Tensor, Tensor> trunk) =>
        [.. trunk.parameters().Select(parameter => parameter.grad).OfType<Tensor>().Select(gradient => gradient.clone())];

    private static string[] Paths(NetworkGraph segment) => [.. segment.Layers.Select(node => node.Path)];
}
