using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Cli.Tests.Survival;

/// <summary>
/// Two runs never write into one folder, whoever looks into the folder of a run sees whole files, and only what a run
/// has made is tidied up.
/// </summary>
public sealed class TwoRunsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public TwoRunsTests() => TrainedModel.WriteImages(folder, "data", 6);

    public void Dispose() => folder.Dispose();

    /// <summary>While a run trains, nobody goes on with it, and everybody may use what it has written.</summary>
    [Fact]
    public void A_run_that_trains_is_left_alone_and_can_be_looked_at()
    {
        var run = folder.File("run");
        using (var training = ProgramProcess.Start(Train("run", "100000")))
        {
            Await(() => File.Exists(folder.File("run/best.safetensors")), training);
            var held = $"error: The folder '{run}' is being written into by another run, "
                + $"process {training.Id} on {Environment.MachineName} since ";

            Assert.StartsWith(held, CommandLine.Run("train", "--resume", run).Errors, StringComparison.Ordinal);
            CommandLine.Run(Train("run", "2")).IsRefused(
                $"The folder '{run}' holds a run already; go on with it by --resume {run}, or choose another folder.");
            for (var i = 0; i < 3; i++)
            {
                var look = CommandLine.Run("predict", run, folder.File("data"));
                Assert.Equal((Program.Success, 7), (look.ExitCode, look.Output.TrimEnd().Split('\n').Length));
            }

            var judged = CommandLine.Run("evaluate", run, folder.File("data"), "--resamples", "0");
            Assert.Equal((Program.Success, ""), (judged.ExitCode, judged.Errors));
            Assert.False(training.HasExited);
            training.Kill();
        }

        var epochs = File.ReadAllLines(folder.File("run/metrics.csv")).Length;
        var resumed = CommandLine.Run("train", "--resume", run, "--epochs", $"{epochs + 1}");
        Assert.Equal((Program.Success, ""), (resumed.ExitCode, resumed.Errors));
    }

    [Fact]
    public void Of_two_that_go_on_at_once_one_does_and_loses_nothing()
    {
        Assert.Equal("", CommandLine.Run(Train("run", "2")).Errors);
        Assert.Equal("", CommandLine.Run(Train("whole", "4")).Errors);
        string[] arguments = ["train", "--resume", folder.File("run"), "--epochs", "4"];

        using var first = ProgramProcess.Start(arguments);
        using var second = ProgramProcess.Start(arguments);
        CommandLine[] ends = [first.Finish(), second.Finish()];

        // On a busy machine the second one may come after the first has ended; it has nothing left to do then.
        foreach (var end in ends.Where(end => end.ExitCode != Program.Success))
        {
            Assert.Equal(Program.Failure, end.ExitCode);
            Assert.Contains("is being written into by another run", Assert.Single(end.Errors.TrimEnd().Split('\n')));
        }

        Assert.Contains(ends, end => end.ExitCode == Program.Success);
        foreach (var file in new[] { "last.safetensors", "metrics.csv" })
            Assert.Equal(File.ReadAllBytes(folder.File($"whole/{file}")), File.ReadAllBytes(folder.File($"run/{file}")));
    }

    [Theory]
    [InlineData("train DATA --epochs 1 --tile 32 -o OUT")]
    [InlineData("generate needles --count 1 --side 64 -o OUT")]
    [InlineData("generate ultramnist --count 1 --side 64 -o OUT")]
    [InlineData("generate megapixel-mnist --train 1 --test 1 --side 192 -o OUT")]
    public void A_folder_that_another_run_writes_into_is_refused(string line)
    {
        string[] arguments =
        [
            .. line.Split(' ').Select(part => part
                .Replace("DATA", folder.File("data"), StringComparison.Ordinal)
                .Replace("OUT", folder.File("out"), StringComparison.Ordinal)),
        ];
        using (FolderLock.Take(folder.File("out")))
        {
            var refused = CommandLine.Run(arguments);
            Assert.Equal(Program.Failure, refused.ExitCode);
            var held = $"error: The folder '{folder.File("out")}' is being written into by another run, "
                + $"process {Environment.ProcessId} on ";
            Assert.StartsWith(held, refused.Errors, StringComparison.Ordinal);
        }

        Assert.Equal((Program.Success, ""), (CommandLine.Run(arguments) is var run ? run.ExitCode : 0, run.Errors));
    }

    /// <summary>What belongs to somebody else stays, also where a link leads out of the folder.</summary>
    [Fact]
    public void Going_on_removes_what_the_run_has_made_and_nothing_else()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights on Windows.");
        Assert.Equal("", CommandLine.Run(Train("real", "1")).Errors);
        // The folder itself may be named by a link.
        Directory.CreateSymbolicLink(folder.File("run"), folder.File("real"));
        string[] own =
        [
            Unfinished("run/checkpoint.safetensors"), Unfinished("run/options.json"),
            Unfinished("run/plots/loss.png"), Unfinished("run/"),
        ];
        string[] others =
        [
            folder.Write("elsewhere/notes.part", ""), Unfinished("elsewhere/checkpoint.safetensors"), folder.Write("run/notes.part", ""),
            folder.Write("run/sub/notes.part", ""), Unfinished("run/sub/checkpoint.safetensors"),
            Unfinished("run/theirs.zip"), Unfinished("run/evaluation/metrics.csv"),
        ];
        Directory.CreateSymbolicLink(folder.File("run/images"), folder.File("elsewhere"));
        var link = AtomicFile.TemporaryName(folder.File("run/best.safetensors"));
        File.CreateSymbolicLink(link, folder.File("elsewhere/notes.part"));

        var resumed = CommandLine.Run("train", "--resume", folder.File("run"), "--epochs", "2");

        Assert.Equal((Program.Success, ""), (resumed.ExitCode, resumed.Errors));
        Assert.All(own, file => Assert.False(File.Exists(file), file));
        Assert.All(others, file => Assert.True(File.Exists(file), file));
        Assert.True(new FileInfo(link).Exists);
    }

    [Fact]
    public void A_folder_of_plots_that_is_a_link_is_not_tidied()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights on Windows.");
        Assert.Equal("", CommandLine.Run(Train("run", "1")).Errors);
        Directory.Move(folder.File("run/plots"), folder.File("elsewhere"));
        Directory.CreateSymbolicLink(folder.File("run/plots"), folder.File("elsewhere"));
        var theirs = Unfinished("elsewhere/loss.png");

        Assert.Equal("", CommandLine.Run("train", "--resume", folder.File("run"), "--epochs", "2").Errors);

        Assert.True(File.Exists(theirs));
    }

    private string Unfinished(string name) =>
        folder.Write(Path.GetRelativePath(folder.Path, AtomicFile.TemporaryName(Path.Combine(folder.Path, name))), "half");

    private string[] Train(string run, string epochs) =>
    [
        "train", folder.File("data"), "--output", folder.File(run), "--epochs", epochs, "--tile", "32",
        "--validation", "0.34", "--batch", "2",
    ];

    private static void Await(Func<bool> condition, ProgramProcess process)
    {
        while (!condition() && !process.HasExited)
            Thread.Sleep(5);
    }
}
