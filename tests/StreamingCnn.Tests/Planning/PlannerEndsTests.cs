using System.Diagnostics;
using System.Globalization;
using CsCheck;
using StreamingCnn.Graph;
using StreamingCnn.Models;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Planning;

/// <summary>Every call of the planner ends soon: with a plan within the budget, or with the smallest budget that would do.</summary>
public sealed class PlannerEndsTests : IDisposable
{
    // Far more than any call takes, so that a busy machine is no fault.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static readonly Gen<long> Side = Gen.Long[1, 200];

    // As many small ones as large ones.
    private static readonly Gen<long> Budget = Gen.Double[0, 10].Select(power => (long)(Math.Pow(2, power) * (1 << 20)));

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Dictionary<string, NetworkGraph> graphs = [];

    public void Dispose() => scope.Dispose();

    [Theory]
    [InlineData(32, 32, 100)]
    [InlineData(39, 39, 64)]
    [InlineData(1, 1, 1)]
    [InlineData(33, 200, 1)]
    [InlineData(40, 40, 100)]
    [InlineData(200, 7, 90)]
    public void A_small_image_whose_whole_does_not_fit(long height, long width, long mebibytes) =>
        Check(Graph("resnet34"), new() { MemoryBudget = mebibytes << 20 }, height, width);

    [Theory]
    [InlineData("resnet18")]
    [InlineData("resnet50")]
    [InlineData("convnext-tiny")]
    [InlineData("small")]
    public void Networks_of_the_catalog_at_any_size_and_budget(string name)
    {
        var graph = Graph(name);
        Gen.Select(Side, Side, Budget, Gen.Bool).Sample(
            (height, width, budget, overlaps) =>
                Check(graph, new() { MemoryBudget = budget, Mode = ModeOf(overlaps) }, height, width),
            iter: Cases.Or(4),
            threads: 1);
    }

    [Fact]
    public void Random_networks_at_any_size_and_budget() => Gen.Select(Gen.Int[0, 1_000_000], Side, Side, Budget, Gen.Bool).Sample(
        (seed, height, width, budget, overlaps) =>
        {
            var graph = RandomGraph.Grow(seed, 12, height, width, RandomGraph.AllKinds);
            Check(graph, new() { MemoryBudget = budget, Mode = ModeOf(overlaps) }, height, width);
        },
        iter: Cases.Or(100),
        threads: 1);

    [Fact]
    public void A_tile_that_was_given_is_planned_at_any_size() => Gen.Select(Side, Side, Gen.Int[1, 300], Gen.Int[1, 300], Budget).Sample(
        (height, width, rows, columns, budget) => Within(
            () => Planner.Choose(
                Graph("resnet18"), new() { Tile = (rows, columns), MemoryBudget = budget }, Cost(Graph("resnet18")), (height, width)),
            $"{height} x {width} in {rows} x {columns}"),
        iter: Cases.Or(20),
        threads: 1);

    private static void Check(NetworkGraph graph, StreamingOptions options, long height, long width)
    {
        var cost = Cost(graph);
        var what = $"{height} x {width} in {options.MemoryBudget} bytes, {options.Mode}";
        try
        {
            var plan = Within(() => Planner.Choose(graph, options, cost, (height, width)), what);
            AssertWithin(plan, options.MemoryBudget!.Value);
        }
        catch (InsufficientMemoryException refused)
        {
            var named = long.Parse(refused.Message.Split("fits into is ")[1].Split(' ')[0], CultureInfo.InvariantCulture) << 20;
            Assert.True(named > options.MemoryBudget, $"{what}: {refused.Message}");
            AssertWithin(Within(() => Planner.Choose(graph, options with { MemoryBudget = named }, cost, (height, width)), what), named);
            var smallest = Planner.SmallestBudget(graph, options, cost, (height, width));
            Assert.InRange(named - smallest, 0, (1 << 20) - 1);
            var exactly = options with { MemoryBudget = smallest };
            AssertWithin(Within(() => Planner.Choose(graph, exactly, cost, (height, width)), what), smallest);
            var below = options with { MemoryBudget = smallest - 1 };
            Assert.Throws<InsufficientMemoryException>(() => Planner.Choose(graph, below, cost, (height, width)));
        }
        catch (UnsupportedLayerException tooSmall)
            when (tooSmall.Message.Contains("cannot be applied to an image of", StringComparison.Ordinal))
        {
            // Networks without padding refuse images below their receptive field.
        }

        void AssertWithin(StepPlan plan, long budget) =>
            Assert.True(
                new StepModel(plan.Grid, cost).Bytes(plan.Kept) <= budget,
                $"{what}: the plan takes {new StepModel(plan.Grid, cost).Bytes(plan.Kept)} bytes");
    }

    private static StreamingMode ModeOf(bool overlaps) => overlaps ? StreamingMode.Overlap : StreamingMode.ExactlyOnce;

    private static StepPlan Within(Func<StepPlan> plan, string what)
    {
        var clock = Stopwatch.StartNew();
        var running = Task.Run(plan);
        try
        {
            Assert.True(running.Wait(Soon), $"{what}: the planner has not returned after {Soon}");
        }
        catch (AggregateException failed)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failed.InnerException!);
        }

        TestContext.Current.SendDiagnosticMessage($"{what}: {clock.ElapsedMilliseconds} ms");
        return running.Result;
    }

    private static TrunkCost Cost(NetworkGraph graph) => new(graph, wanted: [false], batch: 1, elementSize: 4, new ComputeRates());

    private NetworkGraph Graph(string name)
    {
        if (graphs.TryGetValue(name, out var known))
            return known;
        var trunk = ModelCatalog.Create(name);
        trunk.eval();
        return graphs[name] = NormFolding.Of(GraphBuilder.Trace(trunk, 3).Local);
    }
}
