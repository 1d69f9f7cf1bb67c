using StreamingCnn.Cli.Benchmarking;
using StreamingCnn.Cli.Tests.Survival;

namespace StreamingCnn.Cli.Tests.Benchmarking;

/// <summary>The memory that a plan promises, against the resident memory of processes that run it.</summary>
public class PlannedMemoryTests
{
    // Code that is compiled and threads that start take some megabytes in any process.
    private const long Noise = 8 << 20;

    private const string Variable = "SCNN_MEMORY";

    [Theory]
    [InlineData("resnet18", 700, 900, 256, 0)]
    [InlineData("resnet34", 811, 777, 0, 500)]
    [InlineData("convnext-tiny", 512, 512, 256, 0)]
    public void A_step_takes_the_memory_that_was_planned(string model, int height, int width, int tile, long mebibytes)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads the peak memory of a process from Linux.");
        var cost = Measure(new StepSetting(model, height, width, StepMethod.Once, tile, mebibytes << 20, Threads: 1));

        var peak = cost.PeakBytes - cost.BaseBytes;
        Assert.InRange(peak, (long)(0.9 * cost.PlannedBytes) - Noise, (long)(1.1 * cost.PlannedBytes) + Noise);
        if (mebibytes > 0)
            Assert.InRange(peak, 0, (long)(1.05 * (mebibytes << 20)));
    }

    /// <summary>The same of other networks and tiles, which take half a minute.</summary>
    [Theory]
    [InlineData("resnet34", 1024, 512, 256, 700)]
    [InlineData("pathology-2048", 1100, 700, 512, 0)]
    public void So_does_that_of_others(string model, int height, int width, int tile, long mebibytes)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable(Variable) == "all", $"{Variable}=all tries this as well.");
        A_step_takes_the_memory_that_was_planned(model, height, width, tile, mebibytes);
    }

    internal static StepCost Measure(StepSetting setting)
    {
        using var program = ProgramProcess.Start(StepProcess.CommandName, setting.ToJson());
        var run = program.Finish();
        // The first process on a machine says that it measures it.
        Assert.DoesNotContain(
            run.Errors.Split(Environment.NewLine), line => line.Length > 0 && !line.StartsWith("Measuring this machine once"));
        return StepCost.FromJson(run.Output);
    }
}
