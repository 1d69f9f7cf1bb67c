using CsCheck;
using StreamingCnn.Execution;
using StreamingCnn.Graph;
using StreamingCnn.Planning;
using StreamingCnn.Tests.Exactness;
using StreamingCnn.Tests.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Carrying;

/// <summary>
/// Random networks, in any order of tiles and with the carry anywhere: the numbers are those of raster order in memory, and the stores
/// hold what the plan says, tile by tile.
/// </summary>
public sealed class SeamStoreTests : IDisposable
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"streamingcnn-seams-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Whatever_the_order_and_the_store_the_numbers_are_the_same() => Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[1, 8], Gen.Int[1, 50], Gen.Int[1, 50], Gen.Int[1, 30], Gen.Int[1, 30], Gen.Int[0, 1000]).Sample(
        (seed, layers, height, width, tileHeight, tileWidth, order) =>
        {
            using var scope = NewDisposeScope();
            using var network = new RandomNetwork(seed, layers, 3, height, width);
            var graph = NormFolding.Of(GraphBuilder.Trace(network, 3).Local);
            var grid = GridPlan.ExactlyOnce(
                graph, [(height, width)], (tileHeight, tileWidth), order % 2 == 0, order % 3 == 0 ? [(2, 3)] : null);
            var ordered = grid.In(TileOrders.Any(grid, order));
            var image = randn(1, 3, height, width, dtype: ScalarType.Float64);

            var expected = Run(grid, image, new DeviceSeams());
            var onDevice = Run(ordered, image, new DeviceSeams());
            var onHost = Run(ordered, image, new RestingSeams(new HostShelf(CPU), order * 100));
            var inFile = Run(ordered, image, new RestingSeams(new FileShelf(folder, 0, CPU), order * 100));

            foreach (var (raster, device, host, file) in expected.Zip(onDevice, onHost)
                .Zip(inFile, (three, file) => (three.First, three.Second, three.Third, file)))
            {
                Assert.True(Compare.RelativeError(device, raster, 1e-4) < 1e-11, $"Another order gives something else in {network}");
                Assert.True(
                    Compare.AreEqual(device, host) && Compare.AreEqual(device, file), $"Another store gives something else in {network}");
            }
        },
        iter: Cases.Or(40),
        threads: 1);

    /// <summary>A step, and a forward pass alone.</summary>
    /// <returns>Outputs, the image's gradient and the parameters'.</returns>
    private static Tensor[] Run(GridPlan grid, Tensor image, ISeamStore store)
    {
        var model = new StepModel(
            grid, new TrunkCost(grid.Graph, wanted: [true], batch: 1, elementSize: sizeof(double), new ComputeRates()));
        var step = new StepPlan(grid, model.Programs, model.Keep(model.LeastBytes * 5 / 4), default);
        Func<int, bool> needs = new DifferentiablePart(grid.Graph, wanted: [true]).Needs;
        var held = new SeamMemory(grid, needs).Held().ToArray();
        var readAgain = new SeamMemory(grid, needs).Held(map => grid.IsReadBefore(map, step.Kept.Cut)).ToArray();
        using var values = new WatchedSeams(store);
        using var gradients = new WatchedSeams(new DeviceSeams());
        var source = new TensorSource(image, ScalarType.Float64, CPU) { GradientIsWanted = true };
        using var run = new StreamedRun(step, new SourceSet(source), new()
        {
            MapType = ScalarType.Float64,
            WillReverse = true,
            Seams = values,
            SeamGradients = gradients,
        });

        var residence = new SeamResidence(grid).AtHand().ToArray();
        var outputs = TensorSink.Run(run, new Tiles(done => AtHand(values.Look().AtHand, residence[done - 1].Forward)));
        values.Look();
        var reverse = outputs.Select(output => new TensorSource(output.sin(), ScalarType.Float64, CPU));
        var (ofSources, parameters) = run.Backward([.. reverse], new Tiles(done =>
        {
            var (tile, near) = (held[^done], residence[^done]);
            var (stored, atHand) = values.Look();
            Assert.Equal(readAgain[^done].Values * sizeof(double), stored);
            Assert.InRange(gradients.Look().Stored, 0, tile.Gradients * sizeof(double));
            AtHand(atHand, near.Recomputing);
        }));
        Assert.Equal((0, 0), (values.Left, gradients.Left));

        // What is kept from the forward pass need not be read again, and programs leave out what serves nobody.
        void AtHand(long bytes, long most)
        {
            if (!store.HoldsAll)
                Assert.InRange(bytes, 0, most * sizeof(double));
        }

        using var alone = new WatchedSeams(new DeviceSeams());
        using var inference = new StreamedRun(
            step,
            new SourceSet(new TensorSource(image, ScalarType.Float64, CPU)),
            new() { MapType = ScalarType.Float64, Seams = alone });
        var again = TensorSink.Run(
            inference, new Tiles(done => Assert.Equal(held[done - 1].Forward * sizeof(double), alone.Look().Stored)));
        Assert.Equal(0, alone.Left);
        Assert.All(outputs.Zip(again), pair => Assert.True(Compare.AreEqual(pair.First, pair.Second)));
        return [.. outputs, InScope(ofSources.Single()!), .. parameters.OfType<Tensor>().Select(InScope)];
    }

    private static Tensor InScope(Tensor gradient)
    {
        using (gradient)
            return gradient.alias();
    }

    private sealed class Tiles(Action<int> done) : IProgress<TileProgress>
    {
        public void Report(TileProgress value) => done(value.Done);
    }
}
