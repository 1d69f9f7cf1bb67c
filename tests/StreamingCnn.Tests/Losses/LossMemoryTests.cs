using StreamingCnn.Execution;
using StreamingCnn.Execution.Stages;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Programs;
using StreamingCnn.Planning.Stages;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Losses;

/// <summary>Neither the output map, nor the target, nor the loss's gradient is ever there whole.</summary>
public sealed class LossMemoryTests
{
    private static readonly StreamingOptions Options = new() { Tile = (16, 16), Carry = CarryPlace.File };

    [Fact]
    public void A_tile_holds_as_many_bytes_on_a_map_of_sixteen_times_the_area()
    {
        // Whole tiles, so that the last of them is as large as that of the other.
        var (small, large) = (Peak(80), Peak(320));

        Assert.Equal(small, large);
        // The output, 3 channels in float64, is as large as the image.
        Assert.InRange(large, 1, 320 * 320 * 3 * sizeof(double) / 4);
    }

    [Fact]
    public void Nor_is_it_planned_to_be()
    {
        using var network = Network();
        using var objective = new StreamingObjective(network, new DiceCrossEntropyMapLoss(), Options);

        var (small, large) = (objective.Plan((2, 200, 300), (1, 200, 300)), objective.Plan((2, 6400, 300), (1, 6400, 300)));

        // A table of tiles aside.
        Assert.InRange(large.StepBytes, small.StepBytes, small.StepBytes + (small.StepBytes / 1000));
        Assert.InRange(large.OutputBytes, 0, 1000);
    }

    private static long Peak(long side)
    {
        using var scope = NewDisposeScope();
        using var network = Network();
        network.@double();
        var arithmetic = new TrunkArithmetic(network, Options);
        var (image, target) = (rand(1, 2, side, side, ScalarType.Float64), zeros(1, 1, side, side, dtype: ScalarType.Byte));
        var sources = new SourceSet(new TensorSource(image, ScalarType.Float64, CPU), new TensorSource(target, ScalarType.Float64, CPU));
        var traced = GraphBuilder.Trace(network, new DiceCrossEntropyMapLoss(), [2, 1]);
        var stages = new SizedStages(new StagedNetwork(traced, sources.Wanted), sources.Sizes, arithmetic.Streamed);
        var plan = new PlanMemory().Choose(stages, Options, arithmetic.Costs(1, ScalarType.Float64));
        var observer = new Largest();
        var settings = new RunSettings
        {
            MapType = ScalarType.Float64,
            Format = MapFormat.ChannelsFirst,
            WillReverse = true,
            Observer = observer,
        };
        using var run = new StagedRun(plan, sources, settings, new MemoryShelf(CPU, MapFormat.ChannelsFirst), (_, _) => null);
        var loss = TensorSink.Run(run, null)[0];
        foreach (var gradient in run.Backward([ones_like(loss)], null).Parameters)
            gradient?.Dispose();
        return observer.Bytes;
    }

    private static TorchSharp.Modules.Sequential Network() =>
        Sequential(Conv2d(2, 4, 3, padding: 1), ReLU(), Conv2d(4, 3, 3, padding: 1));

    /// <summary>
    /// The most bytes that a tile has held, without sources: those stand in memory here, whole, and windows are views of them.
    /// </summary>
    private sealed class Largest : ITileObserver
    {
        public long Bytes { get; private set; }

        public void Done((int Row, int Column) tile, Instruction instruction, TileTape tape, IEnumerable<Tensor> held)
        {
            using var scope = NewDisposeScope();
            var bytes = held.Concat(tape.Held).Select(tensor => tensor.numel() * tensor.element_size()).Sum();
            Bytes = Math.Max(Bytes, bytes);
        }
    }
}
