using StreamingCnn.Cli.Benchmarking;
using StreamingCnn.Experiments.Ladder;

namespace StreamingCnn.Experiments.Tests;

public sealed class StepMemoryTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Peaks_above_the_base_are_taken_by_their_median()
    {
        var path = Written(
            (StepMethod.Whole, 100, 900), (StepMethod.Once, 100, 150), (StepMethod.Once, 100, 400), (StepMethod.Once, 200, 270));

        Assert.Equal(new StepMemory(Streamed: 70, Whole: 800), StepMemory.Read(path));
    }

    [Fact]
    public void A_method_that_was_not_measured_is_named()
    {
        var path = Written((StepMethod.Once, 100, 150));

        Assert.Equal(
            $"'{path}' holds no measurement of the method whole; delete it, and run the command again.",
            Assert.Throws<InvalidDataException>(() => StepMemory.Read(path)).Message);
    }

    private string Written(params (StepMethod Method, long Base, long Peak)[] steps)
    {
        var table = new BenchmarkTable();
        foreach (var (method, before, peak) in steps)
            table.Add(
                new("small", 64, 64, method, Tile: 0, Memory: 0, Threads: 1),
                new(1, before, peak, 0, 0, 0, 0, 0, new Dictionary<StepPart, double>()));
        return folder.Write("memory.csv", table.ToCsv());
    }
}
