using StreamingCnn.Cli.Tests.Survival;

namespace StreamingCnn.Cli.Tests;

/// <summary>The program says when it measures the machine, which its next process need not do.</summary>
public class MeasuringTests
{
    private const string Cache = "XDG_CACHE_HOME";

    [Fact]
    public void A_plan_says_that_it_measures_and_the_next_one_remembers()
    {
        using var folder = new TemporaryFolder();
        var before = Environment.GetEnvironmentVariable(Cache);
        Environment.SetEnvironmentVariable(Cache, folder.Path);
        try
        {
            var first = Plan();
            var second = Plan();

            Assert.Equal($"Measuring this machine once, which takes two seconds.{Environment.NewLine}", first.Errors);
            Assert.Equal("", second.Errors);
            Assert.Contains("time ", first.Output, StringComparison.Ordinal);
            Assert.Equal(first.Output, second.Output);
        }
        finally
        {
            Environment.SetEnvironmentVariable(Cache, before);
        }

        static CommandLine Plan()
        {
            using var process = ProgramProcess.Start("plan", "--model", "small", "--size", "512", "--memory", "1GiB");
            return process.Finish();
        }
    }
}
