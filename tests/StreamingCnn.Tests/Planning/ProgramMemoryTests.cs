using CsCheck;
using StreamingCnn.Execution;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Programs;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Planning;

/// <summary>
/// The law of the memory model: behind every instruction of every tile, the bytes of the tensors that the execution holds are those that
/// the model counts. Set STREAMINGCNN_CASES to run more cases than the default.
/// </summary>
public class ProgramMemoryTests
{
    [Fact]
    public void Execution_holds_what_the_model_counts_behind_every_instruction() => Gen.Select(
        Gen.Int[0, 1_000_000],
        Gen.Int[1, 9],
        Gen.Int[1, 60],
        Gen.Int[1, 60],
        Gen.Int[1, 40],
        Gen.Int[1, 40],
        Gen.Double[0, 6],
        Gen.Bool).Sample(
        (seed, layers, height, width, tileHeight, tileWidth, budgetInTiles, wanted) =>
        {
            using var scope = NewDisposeScope();
            using var network = new RandomNetwork(seed, layers, 1 + (seed % 3), height, width);
            // Borders that are mirrored elsewhere take less than is counted.
            if (!network.Features.Any(feature => feature.Contains("reflect") || feature.Contains("replicate")))
                Check(network, seed, (height, width), (tileHeight, tileWidth), budgetInTiles, wanted);
        },
        iter: Cases.Or(150),
        threads: 1);

    private static void Check(RandomNetwork network, int seed, (int, int) size, (int, int) tile, double budgetInTiles, bool wanted)
    {
        var channels = 1 + (seed % 3);
        var graph = NormFolding.Of(GraphBuilder.Trace(network, channels).Local);
        var trunk = new TrunkCost(graph, [wanted], batch: 1 + (seed % 2), elementSize: 8, new ComputeRates());
        if (!trunk.Differentiable.Needs(graph.Outputs[0]))
            return;
        var late = seed % 3 == 0 ? ((int, int)[])[(2, 2), (4, 3)] : [];
        var grid = GridPlan.ExactlyOnce(graph, [size], tile, beyondBorder: seed % 5 < 3, late);
        var programs = new TilePrograms(grid, trunk.Differentiable);
        var memory = new StepMemory(programs, trunk, gaps: 1);
        var cuts = KeptLayers.Cuts(graph, 8);
        var kept = KeptLayers.Choose(memory, cuts, (long)(budgetInTiles * KeptLayers.Least(memory, cuts)));
        var step = new StepPlan(grid, programs, kept, tile);

        var format = seed % 2 == 0 ? MapFormat.ChannelsLast : MapFormat.ChannelsFirst;
        var image = randn(trunk.Batch, channels, size.Item1, size.Item2, dtype: ScalarType.Float64);
        var observer = new Counter(trunk, programs, network);
        using var run = new StreamedRun(
            step,
            new SourceSet(new CopiedSource(image) { GradientIsWanted = wanted }),
            new() { MapType = ScalarType.Float64, Format = format, WillReverse = true, Seed = seed, Observer = observer });
        using var output = TensorSink.Run(run, null)[0];
        using var gradient = randn(output.shape, dtype: ScalarType.Float64);
        using var source = new CopiedSource(gradient);
        var (sources, parameters) = run.Backward([source], null);
        foreach (var tensor in sources.Concat(parameters))
            tensor?.Dispose();
        Law.Holds(observer.Left == 0, $"{observer.Left} bytes are left of {network}");
    }

    /// <summary>Counts both, instruction by instruction.</summary>
    private sealed class Counter(TrunkCost trunk, TilePrograms programs, RandomNetwork network) : ITileObserver
    {
        private readonly Dictionary<(int Row, int Column), ProgramMemory> memories = [];
        private readonly ProgramText text = new(trunk.Graph);

        // Tiles for whose strips no gradient came.
        private readonly HashSet<(int Row, int Column)> without = [];
        private Instruction? last;
        private bool isOfStripsAlone;

        /// <summary>Bytes that the model counts when all has been done.</summary>
        public long Left => memories.Values.Sum(memory => memory.Now);

        public void Done((int Row, int Column) tile, Instruction instruction, TileTape tape, IEnumerable<Tensor> held)
        {
            var layout = programs.Example(programs.KindOf(tile));
            if (!memories.TryGetValue(tile, out var memory))
                memories.Add(tile, memory = new ProgramMemory(trunk));
            memory.Step(instruction, layout);
            using var scope = NewDisposeScope();
            var blocks = held.Concat(tape.Held).Select(Memory).Distinct().ToArray();
            var bytes = blocks.Sum(block => block.Bytes)
                + trunk.Graph.Layers.Where(node => tape.Record(node.Index) is AutogradRecord).Sum(node => HeldByAutograd(node, layout));
            // What another tile stored for this one's readers may have been read by none of them: then no gradient comes, and nothing is
            // made of it.
            var isNext = (last, instruction) is (TakeStripGradients, Backpropagate) or (Backpropagate, ReleaseGradient);
            if (isNext && isOfStripsAlone && bytes < memory.Now)
                without.Add(tile);
            (last, isOfStripsAlone) = (
                instruction,
                instruction is ZeroGradient { Inside.IsEmpty: true }
                    || (isOfStripsAlone && (instruction is TakeStripGradients or Backpropagate)));
            Law.Holds(
                bytes == memory.Now || (bytes < memory.Now && without.Contains(tile)),
                $"Behind '{text.Line(instruction)}' tile {tile} holds {bytes} bytes, and the model counts {memory.Now}, "
                + $"in {network}: {string.Join(", ", blocks.Select(block => block.Bytes))}");
        }

        /// <summary>
        /// What autograd holds besides operands and output, which no handle leads to. That layers do hold it is shown for each of them,
        /// by the allocator.
        /// </summary>
        private long HeldByAutograd(GraphNode node, TileLayout tile)
        {
            var (memory, isView) = (tile.Memory(node.Index), tile.Roles.IsView(node.Index));
            var output = (isView ? tile.Window(node.Index) : tile.Rectangle(node.Index)!.Value).Area * node.Channels * trunk.ValueBytes;
            return (memory.KeepsInput ? tile.Padded(node.Index) * trunk.Graph.Nodes[node.Inputs[0]].Channels * trunk.ValueBytes : 0)
                + memory.BytesBesides(output, node.Channels, trunk.ElementSize);
        }

        private static (nint Address, long Bytes) Memory(Tensor tensor)
        {
            torch.Storage storage = tensor.dtype == ScalarType.Int64 ? tensor.storage<long>() : tensor.storage<double>();
            return (storage.data_ptr(), (long)storage.nbytes());
        }
    }

    /// <summary>A map of which windows are copies, as those of files are.</summary>
    private sealed class CopiedSource(Tensor map) : MapSource(map.shape[0], map.shape[1], map.shape[2], map.shape[3], map.dtype, CPU)
    {
        public override void Dispose()
        {
        }

        protected override Tensor ReadRaw(Region region) =>
            map.narrow(2, region.Rows.Start, region.Rows.Length).narrow(3, region.Columns.Start, region.Columns.Length).clone();
    }
}
