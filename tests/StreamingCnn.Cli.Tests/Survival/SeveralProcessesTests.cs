using System.Globalization;
using StreamingCnn.Imaging;
using StreamingCnn.Interop.Weights;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests.Survival;

/// <summary>
/// Several processes, started by the launcher of a library of MPI: they do what one does; one that is killed ends all, and any number goes
/// on. <c>SCNN_RANKS=all</c> tries all commands with every library that is installed, instead of training and predicting with one, and
/// three ranks to an image instead of two;
/// <c>SCNN_KILLS=10</c> kills more often.
/// </summary>
public sealed class SeveralProcessesTests(SeveralProcessesTests.RunsOfOne runs)
    : IClassFixture<SeveralProcessesTests.RunsOfOne>, IDisposable
{
    private const string RanksVariable = "SCNN_RANKS";
    private const string KillsVariable = "SCNN_KILLS";

    private static readonly TimeSpan EndOfAll = TimeSpan.FromSeconds(30);

    private static readonly Dictionary<string, string[]> Launchers = new()
    {
        ["mpirun.openmpi"] = ["--allow-run-as-root", "--oversubscribe"],
        ["mpirun.mpich"] = [],
    };

    // All ranks that were there at any time.
    private readonly HashSet<int> seen = [];
    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Names => [.. Launchers.Keys];

    private static bool AreAllTried => Environment.GetEnvironmentVariable(RanksVariable) == "all";

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void They_do_what_one_does(string launcher)
    {
        Skip(launcher);
        Succeed(Shared(launcher, runs.Train(folder.File("shared"), epochs: 2)));
        // Rank 0 alone has written, and all of it.
        AssertIsRunOfOne("shared", epochs: 2);

        string[] predict = ["predict", folder.File("shared"), runs.Data, "--tile", "32"];
        Assert.Equal(Lines(Succeed(CommandLine.Run(predict)).Output), Lines(Succeed(Shared(launcher, predict)).Output));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void They_share_each_image_and_do_what_one_does(string launcher)
    {
        Skip(launcher);
        var ranks = AreAllTried ? 3 : 2;
        Succeed(Shared(launcher, [.. runs.Train(folder.File("split"), epochs: 2), "--split-image"], ranks));
        AssertIsRunOfOne("split", epochs: 2);

        string[] evaluate = ["evaluate", folder.File("split"), runs.Data, "--tile", "32", "--resamples", "0", "--output"];
        Succeed(CommandLine.Run([.. evaluate, folder.File("one")]));
        Succeed(Shared(launcher, [.. evaluate, folder.File("several"), "--split-image"], ranks));
        Assert.Equal(Files(folder.File("one")), Files(folder.File("several")));
        Assert.Equal(File.ReadAllText(folder.File("one/metrics.csv")), File.ReadAllText(folder.File("several/metrics.csv")));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void They_judge_explain_and_refuse_as_one_does(string launcher)
    {
        Skip(launcher, isOfAll: true);
        using var model = TrainedModel.Write(folder.File("model.safetensors"), TrainedModel.Classes);
        string[] evaluate = ["evaluate", folder.File("model.safetensors"), runs.Data, "--tile", "32", "--resamples", "100", "--output"];
        var (one, three) =
            (
                Succeed(CommandLine.Run([.. evaluate, folder.File("one")])),
                Succeed(Shared(launcher, [.. evaluate, folder.File("three")], ranks: 3)));
        Assert.Equal(Lines(one.Output.Replace(folder.File("one"), folder.File("three"), StringComparison.Ordinal)), Lines(three.Output));
        Assert.Equal(Files(folder.File("one")), Files(folder.File("three")));
        foreach (var table in (string[])["predictions.csv", "metrics.csv"])
            Assert.Equal(File.ReadAllText(folder.File($"one/{table}")), File.ReadAllText(folder.File($"three/{table}")));

        string[] explain =
        [
            "saliency", .. Directory.GetFiles(runs.Data, "*.npy", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Take(5),
            "--weights", folder.File("model.safetensors"), "--tile", "32", "--raw", "--output",
        ];
        (one, three) =
            (
                Succeed(CommandLine.Run([.. explain, folder.File("map")])),
                Succeed(Shared(launcher, [.. explain, folder.File("maps")], ranks: 3)));
        Assert.Equal(Lines(one.Output.Replace(folder.File("map/"), folder.File("maps/"), StringComparison.Ordinal)), Lines(three.Output));
        Assert.Equal(Files(folder.File("map")), Files(folder.File("maps")));
        foreach (var name in Files(folder.File("map")))
            Assert.True(File.ReadAllBytes(folder.File($"map/{name}")).SequenceEqual(File.ReadAllBytes(folder.File($"maps/{name}"))), name);

        var refused = Shared(launcher, ["predict", folder.File("nowhere"), runs.Data]);
        Assert.Equal(Program.Failure, refused.ExitCode);
        Assert.Single(refused.Errors.Split('\n'), line => line.StartsWith("error: There is no file", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void They_predict_and_explain_an_image_together(string launcher)
    {
        Skip(launcher, isOfAll: true);
        TrainedModel.Write(folder.File("model.safetensors"), TrainedModel.Classes).Dispose();
        TrainedModel.WriteMaps(folder.File("maps.safetensors"));
        manual_seed(5);
        NumberImage("wide.npy", 90, 200);
        NumberImage("high.npy", 150, 70);
        folder.Write("broken.npy", "no numbers");
        string[] images = [folder.File("wide.npy"), folder.File("broken.npy"), folder.File("high.npy")];

        string[] predict = ["predict", folder.File("model.safetensors"), .. images, "--tile", "32"];
        var (one, three) = (CommandLine.Run(predict), Shared(launcher, [.. predict, "--split-image"], ranks: 3));
        Assert.Equal((Program.Negative, Program.Negative), (one.ExitCode, three.ExitCode));
        Assert.Single(three.Errors.Split('\n'), line => line.Contains("broken.npy", StringComparison.Ordinal));
        AssertAreNear(one.Output, three.Output);

        string[] map = ["predict", folder.File("maps.safetensors"), .. images, "--tile", "32", "--class-map", "--polygons", "--output"];
        Assert.Equal(Program.Negative, CommandLine.Run([.. map, folder.File("one")]).ExitCode);
        var together = Shared(launcher, [.. map, folder.File("three"), "--split-image"], ranks: 3);
        Assert.True(together.ExitCode == Program.Negative, together.Output + together.Errors);
        Assert.Equal(Files(folder.File("one")), Files(folder.File("three")));
        foreach (var name in Files(folder.File("one")).Where(name => !name.EndsWith(".png", StringComparison.Ordinal)))
            Assert.True(File.ReadAllBytes(folder.File($"one/{name}")).SequenceEqual(File.ReadAllBytes(folder.File($"three/{name}"))), name);

        foreach (var method in (string[])["gradient", "cam"])
        {
            string[] explain =
            [
                "saliency", images[0], images[2], "--weights", folder.File("model.safetensors"), "--tile", "32", "--method", method,
                "--output",
            ];
            Succeed(CommandLine.Run([.. explain, folder.File($"{method}-one")]));
            Succeed(Shared(launcher, [.. explain, folder.File($"{method}-three"), "--split-image"], ranks: 3));
            Assert.Equal(Files(folder.File($"{method}-one")), Files(folder.File($"{method}-three")));
            foreach (var stem in (string[])["wide", "high"])
                AssertIsSameHeat(folder.File($"{method}-one/{stem}.saliency.tif"), folder.File($"{method}-three/{stem}.saliency.tif"));
        }

        void NumberImage(string name, int height, int width) =>
            NumpyFile.Write(folder.Write(name, ""), (rand(height, width, 3) * 255).to(ScalarType.Byte));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void One_that_is_killed_ends_all_and_another_number_goes_on(string launcher) => KillAndGoOn(launcher);

    [Theory]
    [MemberData(nameof(Names))]
    public void So_does_one_that_has_a_stripe_of_each_image(string launcher) => KillAndGoOn(launcher, "--split-image");

    /// <summary>Where it reaches them all, and where the launcher alone is told, which may kill them before an image is done.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void An_interrupt_ends_all_and_another_number_goes_on(string launcher)
    {
        Skip(launcher, isOfAll: true);
        foreach (var isOfLauncher in (bool[])[true, false])
        {
            // One that this job has written: until then a rank may not have come to where it listens.
            var before = File.GetLastWriteTimeUtc(folder.File("killed/checkpoint.safetensors"));
            using var job = ProgramProcess.StartRanks(launcher, Launchers[launcher], 2, GoOn(epochs: 4));
            Await(job, () => File.GetLastWriteTimeUtc(folder.File("killed/checkpoint.safetensors")) > before && Ranks().Length == 2);
            foreach (var rank in isOfLauncher ? [job.Id] : Ranks())
                ProgramProcess.Interrupt(rank);
            AssertEnds(job);
            var result = job.Finish();
            Assert.DoesNotContain("error:", result.Errors);
            Assert.Contains($"go on with: scnn train --resume {folder.File("killed")}", result.Output);
        }

        Succeed(CommandLine.Run(GoOn(epochs: 4)));
        AssertIsRunOfOne("killed", epochs: 4);
    }

    private void KillAndGoOn(string launcher, params string[] options)
    {
        Skip(launcher);
        var kills = int.Parse(Environment.GetEnvironmentVariable(KillsVariable) ?? "1", CultureInfo.InvariantCulture);
        // Enough epochs that the last one is killed at work as well.
        var epochs = kills + 1;
        var seed = Random.Shared.Next();
        TestContext.Current.SendDiagnosticMessage($"{kills} kills at random moments with seed {seed}.");
        var random = new Random(seed);
        for (var kill = 0; kill < kills; kill++)
        {
            // From two to four, and each of them; from the second one on at any moment, while they start as well.
            var ranks = 2 + (kill % 3);
            using var job = ProgramProcess.StartRanks(launcher, Launchers[launcher], ranks, GoOn(epochs, options));
            Await(job, () => Ranks().Length == ranks);
            if (kill == 0)
                Await(job, () => File.Exists(folder.File("killed/checkpoint.safetensors")));
            Thread.Sleep(random.Next(kill == 0 ? 300 : 4000));
            if (Ranks() is not { Length: > 0 } running)
                continue;
            ProgramProcess.Kill(running[random.Next(running.Length)]);
            AssertEnds(job);
            // What a run writes last.
            Assert.True(
                job.Finish().ExitCode != Program.Success || File.Exists(folder.File("killed/report.html")),
                "A rank is dead, but the launcher reports success.");
            AssertIsWhole();
        }

        Succeed(CommandLine.Run(GoOn(epochs)));
        AssertIsRunOfOne("killed", epochs);
    }

    private static void Skip(string launcher, bool isOfAll = false)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Processes are looked for as Linux shows them.");
        Assert.SkipUnless(IsInstalled(launcher), $"{launcher} is not installed.");
        Assert.SkipUnless(
            AreAllTried || (!isOfAll && Launchers.Keys.First(IsInstalled) == launcher), $"{RanksVariable}=all tries this as well.");
    }

    private static bool IsInstalled(string launcher) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(
            place => File.Exists(Path.Combine(place, launcher)));

    private static CommandLine Shared(string launcher, string[] arguments, int ranks = 2)
    {
        using var process = ProgramProcess.StartRanks(launcher, Launchers[launcher], ranks, arguments);
        return process.Finish();
    }

    /// <summary>Starts the run that is killed, or goes on with it where it has started.</summary>
    private string[] GoOn(int epochs, params string[] options) => File.Exists(folder.File("killed/options.json"))
        ? ["train", "--resume", folder.File("killed")]
        : [.. runs.Train(folder.File("killed"), epochs), .. options];

    private static void Await(ProgramProcess job, Func<bool> condition)
    {
        while (!condition() && !job.HasExited)
            Thread.Sleep(10);
    }

    private void AssertEnds(ProgramProcess job)
    {
        Assert.True(job.WaitForExit(EndOfAll), "The launcher goes on.");
        Assert.True(SpinWait.SpinUntil(() => Ranks().Length == 0 && seen.All(HasEnded), EndOfAll), "A rank goes on.");
    }

    /// <summary>
    /// Whether a process has let go of its files. One that is dying has no command line any more while it still has them, and the run's
    /// folder is locked as long.
    /// </summary>
    private static bool HasEnded(int process)
    {
        try
        {
            // Behind the name, which may hold anything but ends with the last bracket.
            var status = File.ReadAllText($"/proc/{process}/stat");
            return status[status.LastIndexOf(')')..] is [_, _, 'Z' or 'X', ..];
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Processes of this test's run, by their command lines.</summary>
    private int[] Ranks()
    {
        int[] found = [.. Running()];
        seen.UnionWith(found);
        return found;
    }

    private IEnumerable<int> Running() =>
        Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(name => name!.All(char.IsAsciiDigit)).Where(name =>
        {
            try
            {
                var line = File.ReadAllText($"/proc/{name}/cmdline");
                return line.StartsWith("dotnet\0", StringComparison.Ordinal)
                    && line.Contains(folder.File("killed"), StringComparison.Ordinal);
            }
            catch (IOException)
            {
                return false;
            }
        }).Select(name => int.Parse(name!, CultureInfo.InvariantCulture));

    /// <summary>Whatever there is by its name can be read to its end.</summary>
    private void AssertIsWhole()
    {
        using var scope = NewDisposeScope();
        if (Directory.Exists(folder.File("killed")))
            Assert.All(Directory.GetFiles(folder.File("killed"), "*.safetensors"), path => WeightFile.Read(path));
    }

    private static CommandLine Succeed(CommandLine result)
    {
        Assert.True(result.ExitCode == Program.Success, result.Output + result.Errors);
        return result;
    }

    /// <summary>The same files, and the losses of all epochs to the rounding of float32 over few updates.</summary>
    private void AssertIsRunOfOne(string run, int epochs)
    {
        var (alone, path) = (runs.Of(epochs), folder.File(run));
        Assert.Equal(Files(alone), Files(path));
        var (expected, actual) =
            (File.ReadAllLines(Path.Combine(alone, "metrics.csv")), File.ReadAllLines(Path.Combine(path, "metrics.csv")));
        Assert.Equal((expected[0], expected.Length), (actual[0], actual.Length));
        foreach (var (first, second) in expected.Skip(1).Zip(actual.Skip(1)))
        {
            foreach (var (x, y) in first.Split(',').Zip(second.Split(',')))
            {
                var (a, b) = (double.Parse(x, CultureInfo.InvariantCulture), double.Parse(y, CultureInfo.InvariantCulture));
                Assert.True(Math.Abs(a - b) <= 1e-3 * (1 + Math.Abs(a)), $"{first} and {second}");
            }
        }
    }

    /// <summary>Lines of a table, whose numbers differ by rounding.</summary>
    private static void AssertAreNear(string expected, string actual)
    {
        var (first, second) = (Lines(expected).Split('\n'), Lines(actual).Split('\n'));
        Assert.Equal(first.Length, second.Length);
        foreach (var (x, y) in first.Zip(second).SelectMany(line => line.First.Split(',').Zip(line.Second.Split(','))))
        {
            if (double.TryParse(x, CultureInfo.InvariantCulture, out var a) && double.TryParse(y, CultureInfo.InvariantCulture, out var b))
                Assert.Equal(a, b, 1e-5);
            else
                Assert.Equal(x, y);
        }
    }

    private static void AssertIsSameHeat(string expected, string actual)
    {
        using var scope = NewDisposeScope();
        using var first = ImageSource.Open(expected);
        using var second = ImageSource.Open(actual);
        var (one, three) = (first.Read(0, 0, first.Height, first.Width), second.Read(0, 0, second.Height, second.Width));
        Assert.Equal(one.shape, three.shape);
        Assert.True((one - three).abs().max().item<float>() <= 1e-3 * one.max().item<float>(), actual);
    }

    private static string Lines(string text) => text.ReplaceLineEndings("\n");

    private static string[] Files(string path) =>
        [
            .. Directory.GetFiles(path)
                .Select(Path.GetFileName)
                .Where(name => !name!.StartsWith("events", StringComparison.Ordinal) && !name.StartsWith('.'))
                .Order(StringComparer.Ordinal)!
        ];

    /// <summary>Images, and what one process makes of them.</summary>
    public sealed class RunsOfOne : IDisposable
    {
        private readonly TemporaryFolder folder = new();

        public RunsOfOne()
        {
            manual_seed(3);
            for (var i = 0; i < 8; i++)
                NumpyFile.Write(
                    folder.Write($"data/{(i % 2 == 0 ? "dark" : "light")}/{i}.npy", ""),
                    ((rand(44 + i, 40, 3) * 150) + (i % 2 * 60)).to(ScalarType.Byte));
        }

        public string Data => folder.File("data");

        public string[] Train(string run, int epochs) =>
            [
                "train",
                Data,
                "--output",
                run,
                "--epochs",
                $"{epochs}",
                "--batch",
                "4",
                "--tile",
                "32",
                "--dropout",
                "0.3",
                "--validation",
                "0.25",
                "--save-every",
                "1"
            ];

        /// <summary>The run of one process, made when it is first asked for.</summary>
        public string Of(int epochs)
        {
            var run = folder.File($"{epochs}");
            if (!Directory.Exists(run))
                Succeed(CommandLine.Run(Train(run, epochs)));
            return run;
        }

        public void Dispose() => folder.Dispose();
    }
}
