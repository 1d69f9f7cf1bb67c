using StreamingCnn.Experiments.Budgets;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Experiments.Tests;

/// <summary>A few of the cases of the command <c>budgets</c>, which runs a thousand before a release.</summary>
public sealed class BudgetTests : IDisposable
{
    private const int SmallSide = 200;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Steps_keep_to_their_budgets_in_resident_memory()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads the peak memory of a process from Linux.");
        var run = new BudgetRun(folder.File("budgets.csv"), SmallSide, each: 3);

        run.Run(first: 0, count: 3, parallel: 1);

        Assert.True(run.Bad.Count == 0, run.Summary());
        Assert.StartsWith("3 cases: ", run.Summary());
        // What is there is not run again.
        var written = File.GetLastWriteTimeUtc(folder.File("budgets.csv"));
        new BudgetRun(folder.File("budgets.csv"), SmallSide, each: 3).Run(first: 0, count: 3, parallel: 1);
        Assert.Equal(written, File.GetLastWriteTimeUtc(folder.File("budgets.csv")));
    }

    [Fact]
    public void A_result_is_the_same_after_writing_and_reading()
    {
        var result = new BudgetResult(
            BudgetCase.Draw(7, 900) with { Share = 0.25 }, "refused", Budget: 100 << 20, Planned: 90 << 20, Taken: 106 << 20,
            PlanSeconds: 1.5, StepSeconds: 2.25, IsFirst: true, "a problem");

        Assert.Equal(result, BudgetResult.FromCsv(result.ToCsv()));
        Assert.True(result.IsOver && result.IsBad);
        Assert.False((result with { Taken = 104 << 20 }).IsOver);
        Assert.True((result with { Taken = 1, Problem = "", PlanSeconds = 11 }).IsBad);
    }

    [Fact]
    public void Random_networks_are_the_same_for_every_size_and_stream_exactly()
    {
        for (var seed = 0; seed < 6; seed++)
        {
            using var scope = NewDisposeScope();
            using var small = new RandomTrunk(seed, 40, 52);
            using var large = new RandomTrunk(seed, 400, 500);
            Assert.Equal(small.parameters().Select(one => one.numel()), large.parameters().Select(one => one.numel()));
            small.to(ScalarType.Float64);
            using var grad = no_grad();
            var image = randn(1, 3, 40, 52, dtype: ScalarType.Float64);
            var whole = small.forward(image);

            var streamed = new StreamingModule(small, new() { Tile = (16, 24) }).forward(image);

            Assert.True((streamed - whole).abs().max().item<double>() < 1e-12 * whole.abs().max().item<double>());
        }
    }

}
