using StreamingCnn.Execution;
using StreamingCnn.Execution.Stages;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>Runs one after the other, with a shelf between them, give what the whole network gives.</summary>
public sealed class StoredMapSourceTests
{
    private static readonly MapShape Between = new(2, 4, 44, 60);

    [Fact]
    public void A_map_that_two_runs_read_and_its_gradient_go_by_way_of_any_shelf()
    {
        using var scope = NewDisposeScope();
        using var below = Sequential(Conv2d(3, 4, 3, padding: 1), ReLU(), Conv2d(4, 4, 3)).@double();
        using var left = Sequential(Conv2d(4, 2, 3), Tanh(), Conv2d(2, 2, 5)).@double();
        using var right = Sequential(Conv2d(4, 3, 3, stride: 2, padding: 1), Tanh()).@double();
        Module<Tensor, Tensor>[] parts = [below, left, right];
        var image = randn(2, 3, 46, 62, dtype: ScalarType.Float64);
        var map = below.forward(image);
        (left.forward(map).square().sum() + right.forward(map).square().sum()).backward();
        Tensor[] expected = [.. parts.SelectMany(part => part.parameters()).Select(parameter => parameter.grad!)];
        // Much for every window, and none for more than one at a time.
        using var inFile = new RestingMapShelf(new ScratchFile("store of maps", null, 0), CPU, MapFormat.ChannelsFirst, 1 << 20);
        using var onHost = new RestingMapShelf(new HostScratch(), CPU, MapFormat.ChannelsLast, 1);
        using var inMemory = new MemoryShelf(CPU, MapFormat.ChannelsLast);

        var reference = Step(inMemory);
        foreach (var (gradient, whole) in reference.Zip(expected))
            Assert.InRange(Compare.RelativeError(gradient, whole), 0, 1e-12);
        foreach (var shelf in (IMapShelf[])[inFile, onHost])
        {
            foreach (var (gradient, other) in Step(shelf).Zip(reference))
                Assert.InRange(Compare.RelativeError(gradient, other), 0, 1e-14);
            Assert.Equal(0, shelf.Bytes);
        }

        Assert.True(inFile.Hits > 80, $"{inFile.Hits} windows were fetched beforehand.");

        Tensor[] Step(IMapShelf shelf)
        {
            using var map = shelf.New(Between, ScalarType.Float64);
            using var gradient = shelf.New(Between, ScalarType.Float64);
            using var first = Run(below, new TensorSource(image, ScalarType.Float64, CPU));
            first.Forward([map], null);
            map.Complete();
            var behind = new[] { left, right }.SelectMany(part =>
            {
                var source = new StoredMapSource(map, ScalarType.Float64, CPU) { GradientIsWanted = true, GradientRows = gradient.AddRows };
                using var run = Run(part, source);
                using var outcome = new TensorSource(TensorSink.Run(run, null).Single() * 2, ScalarType.Float64, CPU);
                return run.Backward([outcome], null).Parameters;
            }).ToArray();
            gradient.Complete();
            using var read = new StoredMapSource(gradient, ScalarType.Float64, CPU);
            return [.. first.Backward([read], null).Parameters.Concat(behind).Select(found => found!)];
        }
    }

    private static StreamedRun Run(Module<Tensor, Tensor> part, MapSource source)
    {
        var graph = StreamingCnn.Graph.GraphBuilder.Trace(part, source.Channels).Local;
        var grid = GridPlan.ExactlyOnce(graph, [(source.Height, source.Width)], (8, 16), beyondBorder: false);
        var model = new StepModel(grid, new TrunkCost(graph, [source.GradientIsWanted], source.Batch, elementSize: 8, new ComputeRates()));
        return new StreamedRun(
            new StepPlan(grid, model.Programs, model.Keep(0), (8, 16)),
            new SourceSet(source),
            new() { MapType = ScalarType.Float64, WillReverse = true });
    }
}
