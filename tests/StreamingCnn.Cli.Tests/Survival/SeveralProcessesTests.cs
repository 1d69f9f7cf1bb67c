using System.Globalization;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests.Survival;

/// <summary>
/// Several processes, started by the launcher of each library of MPI that is installed: they train as one does; one that is killed ends all, and any number goes on.
/// <c>SCNN_KILLS=5</c> kills more often.
/// </summary>
public sealed class SeveralProcessesTests : IDisposable
{
    private const string KillsVariable = "SCNN_KILLS";

    private static readonly TimeSpan EndOfAll = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder folder = new();

    public SeveralProcessesTests()
    {
        manual_seed(3);
        for (var i = 0; i < 8; i++)
            NumpyFile.Write(folder.Write($"data/{(i % 2 == 0 ? "dark" : "light")}/{i}.npy", ""), ((rand(65 + i, 60, 3) * 150) + (i % 2 * 60)).to(ScalarType.Byte));
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("mpirun.openmpi", "--allow-run-as-root", "--oversubscribe")]
    [InlineData("mpirun.mpich")]
    public void They_do_what_one_does(string launcher, params string[] options)
    {
        Skip(launcher);
        Succeed(ProgramProcess.Start(Train("alone", epochs: 2)));
        Succeed(ProgramProcess.StartRanks(launcher, options, 2, Train("shared", epochs: 2)));
        AssertNear("alone", "shared");
        // Rank 0 alone has written, and all of it.
        Assert.Equal(Names("alone"), Names("shared"));

        string[] predict = ["predict", folder.File("shared"), folder.File("data"), "--tile", "32"];
        var (one, two) = (Succeed(ProgramProcess.Start(predict)), Succeed(ProgramProcess.StartRanks(launcher, options, 2, predict)));
        Assert.Equal(one.Output.ReplaceLineEndings("\n"), two.Output.ReplaceLineEndings("\n"));

        var refused = ProgramProcess.StartRanks(launcher, options, 2, Train("shared", epochs: 2)).Finish();
        Assert.Equal(Program.Failure, refused.ExitCode);
        Assert.Single(refused.Errors.Split('\n'), line => line.StartsWith("error: The folder", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("mpirun.openmpi", "--allow-run-as-root", "--oversubscribe")]
    [InlineData("mpirun.mpich")]
    public void One_that_is_killed_ends_all_and_another_number_goes_on(string launcher, params string[] options)
    {
        Skip(launcher);
        var kills = int.Parse(Environment.GetEnvironmentVariable(KillsVariable) ?? "1", CultureInfo.InvariantCulture);
        Succeed(ProgramProcess.Start(Train("alone", epochs: 3)));
        var arguments = Train("killed", epochs: 3);
        var random = new Random(5);
        while (kills-- > 0)
        {
            using var job = ProgramProcess.StartRanks(launcher, options, 2, arguments);
            while (!File.Exists(folder.File("killed/checkpoint.safetensors")) && !job.HasExited)
                Thread.Sleep(10);
            Thread.Sleep(random.Next(500));
            var ranks = Ranks();
            if (ranks.Length == 0)
                break;
            System.Diagnostics.Process.GetProcessById(ranks[random.Next(ranks.Length)]).Kill();
            Assert.True(job.WaitForExit(EndOfAll), "The launcher goes on.");
            Assert.NotEqual(Program.Success, job.Finish().ExitCode);
            Assert.True(SpinWait.SpinUntil(() => Ranks().Length == 0, EndOfAll), "A rank goes on.");
            arguments = ["train", "--resume", folder.File("killed")];
        }

        Succeed(ProgramProcess.Start("train", "--resume", folder.File("killed")));
        AssertNear("alone", "killed");
        Assert.Equal(Names("alone"), Names("killed"));
    }

    private static void Skip(string launcher)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Processes are looked for as Linux shows them.");
        Assert.SkipUnless(
            (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(place => File.Exists(Path.Combine(place, launcher))), $"{launcher} is not installed.");
    }

    private string[] Train(string run, int epochs) =>
    [
        "train", folder.File("data"), "--output", folder.File(run), "--epochs", $"{epochs}", "--batch", "4", "--tile", "32",
        "--dropout", "0.3", "--validation", "0.25", "--save-every", "1",
    ];

    /// <summary>Processes of this test's run, by their command lines.</summary>
    private int[] Ranks() =>
    [
        .. Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(name => name!.All(char.IsAsciiDigit)).Where(name =>
        {
            try
            {
                var line = File.ReadAllText($"/proc/{name}/cmdline");
                return line.StartsWith("dotnet\0", StringComparison.Ordinal) && line.Contains(folder.File("killed"), StringComparison.Ordinal);
            }
            catch (IOException)
            {
                return false;
            }
        }).Select(name => int.Parse(name!, CultureInfo.InvariantCulture)),
    ];

    private static CommandLine Succeed(ProgramProcess process)
    {
        using (process)
        {
            var result = process.Finish();
            Assert.True(result.ExitCode == Program.Success, result.Output + result.Errors);
            return result;
        }
    }

    /// <summary>Losses of all epochs, to the rounding of float32 over few updates.</summary>
    private void AssertNear(string one, string other)
    {
        var (expected, actual) = (File.ReadAllLines(folder.File($"{one}/metrics.csv")), File.ReadAllLines(folder.File($"{other}/metrics.csv")));
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

    private string[] Names(string run) =>
        [.. Directory.GetFiles(folder.File(run)).Select(Path.GetFileName).Where(name => !name!.StartsWith("events", StringComparison.Ordinal) && !name.StartsWith('.')).Order(StringComparer.Ordinal)!];
}
