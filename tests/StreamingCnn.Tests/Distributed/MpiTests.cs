using System.Diagnostics;
using StreamingCnn.Distributed;
using StreamingCnn.Distributed.Mpi;

namespace StreamingCnn.Tests.Distributed;

/// <summary>The same laws between processes, by each library that is installed.</summary>
public class MpiTests
{
    private const string Marker = "STREAMINGCNN_TEST_RANKS";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData("mpirun.openmpi", "--allow-run-as-root", "--oversubscribe", "-x", Marker, "-n", "3")]
    [InlineData("mpirun.mpich", "-n", "3")]
    public void Ranks_that_are_processes_keep_the_laws(string launcher, params string[] options)
    {
        Assert.SkipUnless(Installed(launcher), $"{launcher} is not installed.");
        var result = Run(
            launcher, [
                .. options,
                "dotnet",
                Environment.GetCommandLineArgs()[0],
                "-noColor",
                "-class",
                typeof(MpiTests).FullName!,
                "-method",
                $"*{nameof(As_a_rank)}"
            ]);
        Assert.True(result.Code == 0 && result.Output.Split("all laws hold").Length == 4, result.Output);
    }

    /// <summary>What a rank does.</summary>
    [Fact]
    public void As_a_rank()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable(Marker) is not null, "This is what the ranks of the other test do.");
        var ranks = Processes.Start();
        try
        {
            foreach (var law in CommunicatorLaws.All)
            {
                law(ranks);
                // As messages of gigabytes are; no number of any type fills the parts to their end.
                law(((MpiCommunicator)ranks).CutAt(1001));
            }

            Console.Out.WriteLine($"rank {ranks.Rank} of {ranks.Size}: all laws hold");
            Assert.Contains("only once", Assert.Throws<CommunicatorException>(Processes.Start).Message);
        }
        catch (Exception failure)
        {
            ranks.Abort(failure.Message);
        }

        ranks.Dispose();
    }

    private static bool Installed(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(
            folder => File.Exists(Path.Combine(folder, program)));

    private static (int Code, string Output) Run(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[Marker] = "1";
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} did not end within {Patience.TotalMinutes:0} minutes.");
        }

        return (process.ExitCode, output.Result + errors.Result);
    }
}
