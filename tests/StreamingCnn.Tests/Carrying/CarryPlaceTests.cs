using CsCheck;
using StreamingCnn.Execution;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Programs;
using StreamingCnn.Tests.Exactness;
using StreamingCnn.Tests.Surface;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Carrying;

/// <summary>Wherever the carry waits, the result is the same to the last bit, and nothing of it stays behind.</summary>
public sealed class CarryPlaceTests : IDisposable
{
    private readonly string folder = Path.Combine(Path.GetTempPath(), $"streamingcnn-carry-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void A_carry_in_a_file_changes_no_bit() =>
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 9], Gen.Int[1, 60], Gen.Int[1, 60], Gen.Int[1, 30], Gen.Int[1, 30]).Sample(
        (seed, layers, height, width, tileHeight, tileWidth) =>
        {
            using var scope = NewDisposeScope();
            using var network = new RandomNetwork(seed, layers, 3, height, width);
            var image = randn(1, 3, height, width, dtype: ScalarType.Float64).requires_grad_(true);

            var expected = Step(network, image, new() { Tile = (tileHeight, tileWidth) });
            var actual = Step(network, image, new() { Tile = (tileHeight, tileWidth), Carry = CarryPlace.File, CarryFolder = folder });

            Assert.Equal(expected.Length, actual.Length);
            foreach (var (a, b) in expected.Zip(actual))
                Assert.True(Compare.AreEqual(a, b));
            Assert.Empty(Directory.GetFiles(folder));
        },
        iter: 25,
        threads: 1);

    [Fact]
    public void Much_less_of_it_is_in_memory_and_the_plan_says_how_much()
    {
        using var trunk = Trunk();
        var (tile, height, width) = ((128, 128), 4096L, 256L);
        using var inMemory = new StreamingModule(trunk, new() { Tile = tile });
        using var inFile = new StreamingModule(trunk, new() { Tile = tile, Carry = CarryPlace.File });

        var (expected, plan) = (inMemory.Plan(height, width), inFile.Plan(height, width));

        Assert.Equal(0, expected.CarryElsewhereBytes);
        Assert.InRange(plan.CarryElsewhereBytes, 1, expected.CarryBytes);
        Assert.True(plan.CarryBytes < expected.CarryBytes / 5, $"{plan.CarryBytes} of {expected.CarryBytes} bytes are in memory.");
    }

    [Fact]
    public void The_store_holds_no_more_than_the_plan_says()
    {
        using var trunk = Trunk();
        var graph = StreamingCnn.Graph.GraphBuilder.Trace(trunk, 3).Local;
        var grid = GridPlan.ExactlyOnce(graph, [(1500, 200)], (64, 64), beyondBorder: true);
        var cost = new TrunkCost(graph, wanted: [false], batch: 1, elementSize: 4, new ComputeRates(), carryIsElsewhere: true);
        var kept = new StepModel(grid, cost).Keep(0);
        using var image = rand(1, 3, 1500, 200);
        using var run = new StreamedRun(
            new StepPlan(grid, new TilePrograms(grid, cost.Differentiable), kept, (64, 64)),
            new SourceSet(new TensorSource(image, ScalarType.Float32, CPU)),
            new()
            {
                MapType = ScalarType.Float32,
                WillReverse = true,
                Seams = new RestingSeams(new FileShelf(folder, 1 << 20, CPU), 1 << 20),
            });

        using var output = TensorSink.Run(run, null).Single();
        using var gradient = new TensorSource(ones_like(output), ScalarType.Float32, CPU);
        run.Backward([gradient], null);

        var carried = new CarriedBytes(grid, cost);
        var most = Enumerable.Range(0, grid.Order().Count).Max(tile => carried.At(tile, kept.Cut).Forward);
        Assert.InRange(run.PeakCarryBytes, most / 2, most);
    }

    [Fact]
    public void Without_a_backward_pass_it_may_wait_in_a_file_as_well()
    {
        using var scope = NewDisposeScope();
        using var trunk = Trunk();
        using var grad = no_grad();
        var image = rand(1, 3, 300, 500);
        using var inMemory = new StreamingModule(trunk, new() { Tile = (32, 48) });
        using var inFile = new StreamingModule(trunk, new() { Tile = (32, 48), Carry = CarryPlace.File, CarryFolder = folder });

        Assert.True(Compare.AreEqual(inMemory.forward(image), inFile.forward(image)));
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public void What_is_at_hand_does_not_grow_with_the_image_where_the_rest_is_elsewhere()
    {
        using var trunk = Trunk();
        var graph = StreamingCnn.Graph.GraphBuilder.Trace(trunk, 3).Local;
        var (small, large) = (AtHand(500), AtHand(4000));

        Assert.Equal(small, large);

        long AtHand(long side) => new SeamResidence(GridPlan.ExactlyOnce(graph, [(side, side)], (64, 64), beyondBorder: true))
            .AtHand()
            .Max(values => values.Forward);
    }

    [Fact]
    public void A_folder_that_cannot_be_one_is_named()
    {
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, "a file");
        File.WriteAllText(file, "");
        using var trunk = Trunk();
        using var streaming = new StreamingModule(trunk, new() { Tile = (32, 32), Carry = CarryPlace.File, CarryFolder = file });

        var failure = Assert.Throws<IOException>(() => streaming.forward(rand(1, 3, 100, 100)));

        Assert.StartsWith($"The carry cannot be kept in the folder '{file}': ", failure.Message);
    }

    [Fact]
    public void Too_little_space_is_told_beforehand()
    {
        var failure = Assert.Throws<IOException>(() => new FileShelf(folder, long.MaxValue / 2, CPU));

        Assert.Matches(@"^The carry cannot be kept in the folder '.*': the carry takes \d+ MiB there, and \d+ MiB are free\. Choose another one with StreamingOptions\.CarryFolder\.$", failure.Message);
    }

    [Fact]
    public void A_folder_without_a_file_to_put_there_is_refused()
    {
        using var trunk = Trunk();

        var failure = Assert.Throws<ArgumentException>(
            () => new StreamingModule(trunk, new() { BoundaryMaps = CarryPlace.Device, CarryFolder = folder }));

        Assert.Contains("set one of them to File, or leave out the folder", failure.Message);
    }

    private static Module<Tensor, Tensor> Trunk() => Sequential(
        Conv2d(3, 8, 3, padding: 1), ReLU(), Conv2d(8, 8, 3, stride: 2, padding: 1), ReLU(), Conv2d(8, 8, 5, stride: 2, padding: 2));

    private static Tensor[] Step(Module<Tensor, Tensor> trunk, Tensor image, StreamingOptions options)
    {
        trunk.zero_grad();
        image.grad = null;
        using var streaming = new StreamingModule(trunk, options);
        var output = streaming.forward(image);
        output.square().sum().backward();
        return [
            output.detach(), image.grad!.clone(), .. trunk.parameters().Where(parameter => parameter.grad is not null).Select(
                parameter => parameter.grad!.clone())
        ];
    }
}
