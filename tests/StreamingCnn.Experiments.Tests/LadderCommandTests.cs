using System.Diagnostics;
using StreamingCnn.Experiments.Ladder;

namespace StreamingCnn.Experiments.Tests;

public sealed class LadderCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>From nothing to the figure; then again from what is there, without training.</summary>
    [Fact]
    public void A_ladder_is_climbed_once_and_then_read()
    {
        Climb();
        var table = File.ReadAllText(Result("ladder.md"));
        var csv = File.ReadAllText(Result("ladder.csv"));
        var weights = File.GetLastWriteTimeUtc(Result("needles/downsample-1/best.safetensors"));
        Assert.Equal(7, csv.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        foreach (var task in new[] { "needles", "ultramnist" })
            Assert.All(
                new[] { "quarter", "half", "full" }, name => Assert.Contains($"| {task} | {name} |", table, StringComparison.Ordinal));
        Assert.True(new FileInfo(Result("ladder.png")).Length > 10_000);

        File.Delete(Result("ladder.csv"));
        // A rung that was broken off has no time yet, and is made anew, with the same outcome.
        File.Delete(Result("ultramnist/downsample-4/time.json"));
        Climb();

        Assert.Equal(weights, File.GetLastWriteTimeUtc(Result("needles/downsample-1/best.safetensors")));
        Assert.Equal(Values(csv), Values(File.ReadAllText(Result("ladder.csv"))));

        var refusal = Assert.Throws<ArgumentException>(() => Climb("--seed", "2"));
        Assert.StartsWith($"'{folder.Path}' holds a ladder of other settings (images 4, ", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>All but times.</summary>
    private static string[] Values(string csv) => [.. csv.Split('\n').Select(line => string.Join(',', line.Split(',').Take(11)))];

    private string Result(string name) => Path.Combine(folder.Path, name);

    private void Climb(params string[] more) => Assert.Equal(0, LadderCommand.Create(Run).Parse(
        [
            "-o",
            folder.Path,
            "--images",
            "4",
            "--test",
            "8",
            "--side",
            "64",
            "--ultramnist-side",
            "64",
            "--updates",
            "1",
            "--tile",
            "32",
            "--rounds",
            "1",
            .. more
        ]).Invoke(new() { EnableDefaultExceptionHandler = false }));

    /// <summary>
    /// As <see cref="Scnn.Run"/>, but within this process wherever no memory is to be measured, since starting a process takes far longer
    /// than to learn from four images. The steps of both tasks are alike here, so they are measured once. What is measured already,
    /// <c>bench</c> only reads: if it tried to measure again, it would start this test's program, and fail.
    /// </summary>
    private RungTime Run(params IEnumerable<string> arguments)
    {
        string[] words = [.. arguments];
        if (words[0] == "bench" && !File.Exists(words[^1]))
        {
            if (!File.Exists(Result("needles/memory.csv")))
                return Scnn.Run(words);
            File.Copy(Result("needles/memory.csv"), words[^1]);
        }

        var clock = Stopwatch.StartNew();
        Assert.Equal(Cli.Program.Success, Cli.Program.Run(words, Console.Error));
        return new(clock.Elapsed.TotalSeconds, clock.Elapsed.TotalSeconds);
    }
}
