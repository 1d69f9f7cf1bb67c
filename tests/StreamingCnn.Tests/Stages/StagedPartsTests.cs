using StreamingCnn.Distributed;
using StreamingCnn.Execution;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Stages;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>
/// What the plan of a network's stages is made of: maps that wait, in both passes, against a walk through them; what a stage costs besides
/// its tiles; what is remembered, and what is told.
/// </summary>
public sealed class StagedPartsTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    // The first norm's operand waits at the image's size, the others at half of it.
    private readonly Module<Tensor, Tensor> network = Sequential(
        Conv2d(3, 4, 3, padding: 1), BatchNorm2d(4), ReLU(),
        Conv2d(4, 6, 3, stride: 2, padding: 1), BatchNorm2d(6), ReLU(),
        Conv2d(6, 5, 3, padding: 1), BatchNorm2d(5), Conv2d(5, 2, 3, padding: 1));

    public void Dispose()
    {
        network.Dispose();
        scope.Dispose();
    }

    /// <summary>Played pass by pass: who writes a map or its gradient, who reads it, and when nobody needs it any more.</summary>
    [Theory]
    [InlineData(nameof(Passes.Both))]
    [InlineData(nameof(Passes.ForwardIntoSinks))]
    public void Maps_wait_from_the_stage_that_makes_them_to_the_last_that_reads_them(string pass)
    {
        var passes = Enum.Parse<Passes>(pass);
        var (stages, costs) = Make(passes);
        var maps = new BoundaryBytes(stages, costs.ValueBytes, costs.GradientBytes);
        var names = stages.Boundaries.ToArray();
        Assert.Equal(3, names.Length);
        Assert.Equal([4L * 50 * 40, 6 * 25 * 20, 5 * 25 * 20], names.Select(stages.Values));
        Assert.Equal([(50L, 40L), (25, 20), (25, 20)], names.Select(stages.Size));

        var traffic = new long[stages.Stages.Count];
        var (there, most) = (new HashSet<int>(), 0L);
        var forward = new List<long>();
        foreach (var stage in stages.Stages)
        {
            var (read, made) = (Read(stage), Made(stage));
            Assert.All(read, map => Assert.Contains(map, there));
            there.UnionWith(made);
            forward.Add(there.Sum(Bytes));
            traffic[stage.Index] += read.Concat(made).Sum(Bytes);
            there.RemoveWhere(map => !stages.Stages.Skip(stage.Index + 1).SelectMany(Read).Contains(map));
        }

        Assert.Equal(forward, stages.Stages.Select(stage => maps.ForwardAt(stage.Index)));
        Assert.Equal(forward.Max(), maps.MostForward);

        there = [.. names];
        var gradients = new HashSet<int>();
        foreach (var stage in stages.Stages.Reverse())
        {
            var (read, made) = (Read(stage), Made(stage));
            // Gradients that this stage adds up in, and those that it takes.
            var written = gradients.ToHashSet();
            gradients.UnionWith(read);
            Assert.Equal((there.Sum(Bytes), gradients.Sum(Bytes)), maps.At(stage.Index));
            most = Math.Max(most, there.Concat(gradients).Sum(Bytes));
            traffic[stage.Index] += read.Sum(Bytes) + read.Sum(map => (written.Contains(map) ? 2 : 1) * Bytes(map));
            // What reductions look at is read where it waits; its gradient is read.
            traffic[stage.Index] += made.Sum(Bytes)
                + stage.Outputs.Where(output => output.IsBoundary && output.Taps.Count > 0).Sum(output => Bytes(output.Map));
            there.ExceptWith(made);
            gradients.ExceptWith(made);
        }

        Assert.Equal(most, maps.Most);
        Assert.Equal(traffic, stages.Stages.Select(stage => maps.Traffic(stage.Index)));

        int[] Read(Stage stage) => [.. stage.Sources.Where(names.Contains)];
        int[] Made(Stage stage) => [.. stage.Outputs.Where(output => output.IsBoundary).Select(output => output.Map)];
        long Bytes(int map) => stages.Values(map) * 2 * sizeof(float);
    }

    /// <summary>What is on its way to maps elsewhere and back, the largest window, and what reductions look at.</summary>
    [Theory]
    [InlineData(CarryPlace.Device, nameof(Passes.Both))]
    [InlineData(CarryPlace.File, nameof(Passes.Both))]
    [InlineData(CarryPlace.Device, nameof(Passes.ForwardIntoTensors))]
    [InlineData(CarryPlace.File, nameof(Passes.ForwardIntoTensors))]
    [InlineData(CarryPlace.File, nameof(Passes.ForwardIntoSinks))]
    public void A_stage_costs_the_windows_and_rectangles_of_maps_that_wait(CarryPlace place, string pass)
    {
        var passes = Enum.Parse<Passes>(pass);
        var options = new StreamingOptions { Tile = (16, 12), BoundaryMaps = place };
        var (stages, costs) = Make(passes, options);
        var plan = new PlanMemory().Choose(stages, options, costs);
        Assert.Equal((place, place == CarryPlace.File), (plan.Place, plan.OnTheWay is not null));
        foreach (var (stage, step) in plan.Steps)
        {
            var cost = plan.Steps[stage.Index].Cost!;
            var grid = step!.Grid;
            var trunk = costs.Of(stage.Graph!, stages.WantedOf(stage)).In(cost);
            var few = cost with { OnTheWay = cost.OnTheWay is null ? null : 1 };
            var tapped = stage.Outputs.Zip(grid.Graph.Outputs).Where(output => output.First.Taps.Count > 0)
                .Select(output => Largest(grid, output.Second, (row, column) => grid.Owned(output.Second, row, column)))
                .DefaultIfEmpty().Max();
            var window = grid.Graph.Sources.Where(source => stage.Sources[source.Index] >= 1)
                .Select(source => Largest(grid, source.Index, (row, column) => Read(grid, source.Index, row, column)))
                .DefaultIfEmpty().Max();
            var rows = passes == Passes.ForwardIntoSinks
                ? stage.Outputs.Zip(grid.Graph.Outputs).Where(output => output.First.Map >= 0 && output.First.NetworkOutputs.Count > 0)
                    .Sum(output => Bytes(grid.ValuesOfRows(output.Second))) : 0;
            var besides = cost.BytesBesides + rows + (passes == Passes.Both ? 2 * tapped : 0);
            if (place == CarryPlace.Device)
            {
                Assert.Equal(besides, cost.Bytes(grid, trunk));
                continue;
            }

            // A window that is larger than all that may be on its way is alone.
            Assert.Equal((64 << 20, stage.Index > 0), (cost.OnTheWay!.Value, window > 1));
            var much = besides + tapped + (2 * cost.OnTheWay.Value);
            var little = besides + tapped + 2 + Math.Max(0, Math.Max(tapped, window) - 1);
            if (passes != Passes.Both)
            {
                Assert.Equal((much, little), (cost.Bytes(grid, trunk), few.Bytes(grid, trunk)));
                continue;
            }

            // Rows of gradients that are held until no tile adds to them: from the first that a row of tiles reads to the last that it or
            // one above it does, and those that ones above read, too, a second time while they are copied.
            var held = 0L;
            foreach (var source in grid.Graph.Sources.Where(source => stage.Sources[source.Index] >= 1))
            {
                Interval[] read =
                [
                    .. Enumerable.Range(0, grid.Rows.Steps).Select(row => Read(grid, source.Index, row, 0).Rows).Where(one => !one.IsEmpty),
                ];
                var most = read.Index().Max(one =>
                    read.Take(one.Index + 1).Max(before => before.End) - one.Item.Start
                    + Math.Max(0, read.Take(one.Index).Select(before => before.End).DefaultIfEmpty().Max() - one.Item.Start));
                held += Bytes(most * grid.Size(source.Index).Width * source.Channels);
            }

            Assert.Equal(much + held, cost.Bytes(grid, trunk));
            Assert.Equal(cost.Bytes(grid, trunk) - much, few.Bytes(grid, trunk) - little);
        }

        static Region Read(GridPlan grid, int source, int row, int column) => grid.Graph.Consumers[source]
            .Where(reader => !grid.Computed(reader, row, column).IsEmpty)
            .Aggregate(default(Region), (all, reader) => all.Hull(grid.Patch(reader, grid.Computed(reader, row, column)).Input));
        static long Largest(GridPlan grid, int node, Func<int, int, Region> region) =>
            grid.Order().Max(tile => Bytes(region(tile.Row, tile.Column).Area * grid.Graph.Nodes[node].Channels));
        static long Bytes(long values) => values * 2 * sizeof(float);
    }

    [Fact]
    public void Stages_of_a_network_are_planned_once_for_a_size_and_the_last_eight_are_remembered()
    {
        var options = new StreamingOptions { Tile = (16, 12) };
        var memory = new PlanMemory();
        var first = Choose(50);
        Assert.Same(Rows(first), Rows(Choose(50)));
        Assert.Equal(first.EndBytes, Choose(50).EndBytes);
        for (var height = 51; height <= 57; height++)
            Choose(height);
        Assert.Same(Rows(first), Rows(Choose(50)));
        Choose(58);
        Assert.NotSame(Rows(first), Rows(Choose(50)));

        // With maps that may not wait it is another network.
        var all = Choose(50);
        var fewer = memory.Choose(Make(height: 50).Stages, options with { MayWait = _ => false }, Make().Costs);
        Assert.NotSame(Rows(all), Rows(fewer));
        Assert.Empty(fewer.Stages.Boundaries);
        Assert.Equal(3, all.Stages.Boundaries.Count());

        StagedPlan Choose(int height) => memory.Choose(Make(height: height).Stages, options, Make().Costs);
        static AxisLayout Rows(StagedPlan plan) => plan.Steps[1].Step!.Grid.Rows;
    }

    /// <summary>Where neither a budget nor a tile is named, the memory names the budget: here enough for everything at once.</summary>
    [Fact]
    public void Without_a_budget_what_is_free_counts()
    {
        var (stages, costs) = Make();

        var plan = new PlanMemory(() => 1L << 32).Choose(stages, new(), costs);

        Assert.True(plan.KeepsAll);
        Assert.All(plan.Steps, step => Assert.Single(step.Step!.Grid.Order()));
        Assert.Throws<InsufficientMemoryException>(() => new PlanMemory(() => 1).Choose(stages, new(), costs));
    }

    /// <summary>A tile is one of the network's image; a stage that reads a map of half its size has tiles of half their size.</summary>
    [Fact]
    public void Tiles_of_a_stage_are_as_large_as_its_maps_are()
    {
        var options = new StreamingOptions { Tile = (15, 12) };
        var (stages, costs) = Make();

        var plan = new PlanMemory().Choose(stages, options, costs);

        Assert.Equal([(15L, 12L), (15, 12), (8, 6), (8, 6)], plan.Steps.Select(step => step.Step!.Tile));
        var tall = new PlanMemory().Choose(Make(height: 31, width: 60).Stages, options, costs);
        Assert.Equal((8L, 6L), tall.Steps[2].Step!.Tile);
    }

    /// <summary>Of maps that several share a process holds its stripe and a half more.</summary>
    [Fact]
    public void Several_processes_hold_three_halves_of_their_share()
    {
        var (stages, costs) = Make();
        var maps = new BoundaryBytes(stages, costs.ValueBytes, costs.GradientBytes);
        foreach (var processes in (int[])[1, 2, 3, 5])
        {
            var options = new StreamingOptions { SplitOver = new PlannedRanks(processes) };
            var planner = new StagedPlanner(stages, options, costs, new PlanMemory());
            for (var stage = 0; stage < 4; stage++)
            {
                var (all, gradients) = maps.At(stage);
                Assert.Equal(
                    processes == 1 ? (all, gradients) : (Share(all, processes), Share(gradients, processes)),
                    planner.HeldAt(stage));
            }
        }

        var forward = new StagedPlanner(stages, new(), costs with { Passes = Passes.ForwardIntoTensors }, new PlanMemory());
        Assert.All(Enumerable.Range(0, 4), stage => Assert.Equal((maps.ForwardAt(stage), 0), forward.HeldAt(stage)));

        static long Share(long bytes, int processes) => (long)Math.Ceiling(bytes * 1.5 / processes);
    }

    /// <summary>A conventional step holds what each stage leaves, one after the other, and everything at its end.</summary>
    [Fact]
    public void What_is_told_adds_up_and_the_whole_holds_what_all_stages_leave()
    {
        var options = new StreamingOptions { Tile = (200, 12) };
        var (stages, costs) = Make(options: options);
        var memory = new PlanMemory();
        var plan = memory.Choose(stages, options, costs);

        var told = StagedSummary.Of(plan, options, costs, stages, () => [new(), new()]);

        Assert.Equal(plan.Bytes, told.StepBytes);
        Assert.Equal(((50L, 40L), (50L, 12L), 4, 1), (told.Image, told.Tile, told.Stages, told.Processes));
        Assert.Equal((plan.Steps[0].Step!.Grid.Rows.Steps, plan.Steps[0].Step!.Grid.Columns.Steps), told.Grid);
        Assert.Equal([(25L, 20L)], told.Outputs);
        Assert.Equal((0, 0), (told.MapElsewhereBytes, told.CarryElsewhereBytes));
        // Stages of one convolution read windows of maps that wait, and carry nothing.
        Assert.True(told.MapBytes > 0 && told.TileBytes > 0 && told.KeptBytes >= 0 && told.CarryBytes == 0);
        Assert.Equal(1, told.ComputedOnceRatio);
        Assert.InRange(told.Recomputed, 0.01, 1);
        var maps = new BoundaryBytes(stages, costs.ValueBytes, costs.GradientBytes);
        var file = options with { BoundaryMaps = CarryPlace.File };
        var elsewhere = StagedSummary.Of(memory.Choose(stages, file, costs), file, costs, stages, () => [new(), new()]);
        Assert.Equal(maps.Most, elsewhere.MapElsewhereBytes);

        // All parameters with their gradients, the outputs with theirs, and at some stage all that was left before it.
        var planner = new StagedPlanner(stages, options, costs, memory);
        var weights = network.parameters().Sum(parameter => parameter.numel() * sizeof(float));
        Assert.Equal(2 * weights, planner.ParameterBytes);
        Assert.Equal(2 * 2 * 2 * 25 * 20 * sizeof(float), planner.OutputBytes);
        var models = stages.Stages.Select(stage =>
        {
            var grid = GridPlan.ExactlyOnce(stage.Graph!, stages.SourcesOf(stage), (100, 100), beyondBorder: false);
            var trunk = costs.Of(stage.Graph!, stages.WantedOf(stage)).In(StageCost.Of(stage, 1, 0, false, null));
            var model = new StepModel(grid, trunk, mapsAnew: true);
            return (stage, trunk, model, Kept: model.Keep(1L << 50));
        }).ToArray();
        var before = 0L;
        var most = 0L;
        foreach (var (stage, trunk, model, kept) in models)
        {
            var (values, gradients) = maps.At(stage.Index);
            most = Math.Max(most, planner.ParameterBytes + planner.OutputBytes - trunk.ParameterBytes + values + gradients + before
                + model.Bytes(kept));
            before += model.WaitingBytes(kept);
        }

        Assert.Equal(most, planner.WholeBytes());
        Assert.Equal(most, told.WholeBytes);
        Assert.Equal(models.Sum(model => model.model.Forward + model.model.Backward), planner.WholeSeconds(new()), 1e-12);
    }

    private (SizedStages Stages, StageCosts Costs) Make(
        Passes passes = Passes.Both, StreamingOptions? options = null, int height = 50, int width = 40)
    {
        var arithmetic = new TrunkArithmetic(network, options ?? new());
        var stages = new SizedStages(
            new StagedNetwork(GraphBuilder.Trace(network, 3), [false]), [(height, width)], arithmetic.Streamed);
        return (stages, arithmetic.Costs(2, ScalarType.Float32, passes));
    }
}
