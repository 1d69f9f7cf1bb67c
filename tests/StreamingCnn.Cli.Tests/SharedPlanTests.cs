namespace StreamingCnn.Cli.Tests;

/// <summary>What <c>scnn plan</c> says of several processes that share an image.</summary>
public class SharedPlanTests
{
    [Fact]
    public void A_plan_of_several_processes_tells_memory_messages_and_speed()
    {
        var one = CommandLine.Run("plan", "--model", "resnet18", "--size", "2048", "--tile", "256");
        var four = CommandLine.Run("plan", "--model", "resnet18", "--size", "2048", "--tile", "256", "--processes", "4");

        Assert.DoesNotContain("processes", one.Output);
        Assert.Matches(@"processes  4; bytes are those of one\. [0-9.]+ MiB a row of tiles go to the next", four.Output);
        Assert.Matches(@"speed-up   about [1-9]\.[0-9] times as fast as one process .*, with messages at 1 GB/s and 100 µs: [0-9.]+ s", four.Output);
        Assert.Equal((Program.Success, Program.Success), (one.ExitCode, four.ExitCode));
    }

    [Fact]
    public void Overlapping_tiles_are_not_shared()
    {
        var result = CommandLine.Run("plan", "--model", "resnet18", "--mode", "overlap", "--processes", "2");

        Assert.Equal(Program.Failure, result.ExitCode);
        Assert.Contains("--processes 2 share tiles that are computed exactly once, but --mode is overlap", result.Errors);
    }
}
