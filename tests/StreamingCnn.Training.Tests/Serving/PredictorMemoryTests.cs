using StreamingCnn.Training.Serving;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Tests.Serving;

/// <summary>A service predicts for months.</summary>
[Collection(nameof(Alone))]
public class PredictorMemoryTests
{
    private const int Warm = 200;
    private const int Predictions = 1000;
    private const long MostGrowth = 8L << 20;

    [Fact]
    public async Task Memory_of_a_thousand_predictions_is_that_of_a_few()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Resident memory is read from /proc.");
        using var run = new KeptModel(new ClassificationTask(["dark", "light"]));
        string[] images = [.. Enumerable.Range(0, 7).Select(i => run.Image($"{i}.png", 40 + (7 * i), 90 - (6 * i)))];
        using var predictor = Predictor.Load(run.Run);
        await Ask(Warm);
        var before = Resident();

        await Ask(Predictions);

        Assert.InRange(Resident() - before, long.MinValue, MostGrowth);

        async Task Ask(int count)
        {
            for (var i = 0; i < count; i++)
                await predictor.PredictAsync(images[i % images.Length], cancellation: TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Without what .NET has yet to collect, and what the allocator has yet to give back.</summary>
    private static long Resident()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        TensorMemory.Trim();
        return long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1]) * Environment.SystemPageSize;
    }
}
