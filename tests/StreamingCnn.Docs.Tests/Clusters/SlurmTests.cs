using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace StreamingCnn.Docs.Tests.Clusters;

/// <summary>
/// The script for Slurm does what the page says, on a Slurm of its own. It takes a minute for each library of MPI, and is run where
/// <c>SCNN_RANKS=all</c> asks for it.
/// </summary>
public class SlurmTests
{
    private const string RanksVariable = "SCNN_RANKS";

    // What the machine of the test has less of.
    private const string Resources = "--ntasks=2 --cpus-per-task=1 --mem-per-cpu=1G";

    [Theory]
    [InlineData("pmix", "libmpi.so.40", "libpmix.so")]
    [InlineData("pmi2", "libmpich.so.12")]
    public void The_script_trains_and_goes_on(string kind, params string[] libraries)
    {
        Skip(libraries);
        using var folder = new TemporaryFolder();
        var table = new StringBuilder("image,label\n");
        for (var i = 0; i < 6; i++)
        {
            WriteImage(folder.File($"{i}.npy"), i);
            table.Append(CultureInfo.InvariantCulture, $"{i}.npy,{(i % 2 == 0 ? "dark" : "light")}\n");
        }

        folder.Write("slides.csv", table.ToString());
        // The program as it has just been built, by the name that the script calls it.
        var assembly = Path.Combine(AppContext.BaseDirectory, "scnn.dll");
        var program = folder.Write("bin/scnn", $"#!/bin/sh\nexec dotnet {assembly} \"$@\"\n");
        Run(folder, "chmod", "+x", program);
        var script = Document.All().Single(document => document.Name == "docs/clusters.md").ShellBlocks().First().Lines;
        Assert.Equal("#!/bin/bash", script[0]);
        folder.Write(
            "train.sh",
            string.Join('\n', script)
                .Replace("--epochs 20", "--epochs 2", StringComparison.Ordinal)
                .Replace("pmix", kind, StringComparison.Ordinal));

        // Twice: the second one finds that all is done. Both leave a log.
        var slurm = Repository.PathOf("tests/StreamingCnn.Docs.Tests/Clusters/slurm-on-one-machine");
        Run(folder, slurm, "sh", "-c", $"sbatch --wait {Resources} train.sh && sbatch --wait {Resources} train.sh");
        var logs = Directory.GetFiles(folder.Path, "scnn-*.log").Order(StringComparer.Ordinal).Select(File.ReadAllText).ToArray();
        Assert.Equal(2, logs.Length);
        Assert.All(logs, log => Assert.Single(log.Split('\n'), line => line.StartsWith("Done after", StringComparison.Ordinal)));

        Run(folder, program, "train", "slides.csv", "--output", "alone", "--epochs", "2", "--memory", "24GiB", "--save-every", "20");
        // Rounded as they are shown: sums in another order round differently.
        Assert.Equal(Epochs(folder.File("alone")), Epochs(folder.File("runs/slides")));
    }

    private static void Skip(string[] libraries)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable(RanksVariable) == "all", $"{RanksVariable}=all tries this.");
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Slurm's daemons are started by root, on Linux.");
        foreach (var program in (string[])["srun", "slurmctld", "slurmd", "munged"])
            Assert.SkipUnless(File.Exists($"/usr/bin/{program}") || File.Exists($"/usr/sbin/{program}"), $"{program} is not installed.");
        // Links to folders are followed, and some lead back to where they are: a library that is missing would be looked for without end.
        var nearby = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, MaxRecursionDepth = 4 };
        foreach (var library in libraries)
            Assert.SkipUnless(Directory.EnumerateFiles("/usr/lib", library, nearby).Any(), $"{library} is not installed.");
    }

    /// <summary>Losses of the epochs, and what else is told of them.</summary>
    private static double[] Epochs(string run) =>
    [
        .. File.ReadAllLines(Path.Combine(run, "metrics.csv")).Skip(1).SelectMany(line => line.Split(','))
            .Select(value => Math.Round(double.Parse(value, CultureInfo.InvariantCulture), 3)),
    ];

    /// <summary>A photograph of one grey and some noise, as numpy writes it.</summary>
    private static void WriteImage(string path, int seed)
    {
        const int Side = 40;
        var header = $"{{'descr': '|u1', 'fortran_order': False, 'shape': ({Side}, {Side}, 3), }}".PadRight(117) + '\n';
        var random = new Random(seed);
        byte[] pixels = [.. Enumerable.Range(0, Side * Side * 3).Select(_ => (byte)(random.Next(150) + (seed % 2 * 60)))];
        File.WriteAllBytes(path, [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. pixels]);
    }

    private static void Run(TemporaryFolder folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = $"{folder.File("bin")}:/usr/sbin:{start.Environment["PATH"]}";
        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (!process.WaitForExit(TimeSpan.FromMinutes(10)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} did not end.");
        }

        var logs = Directory.GetFiles(folder.Path, "*.log").Select(File.ReadAllText);
        Assert.True(process.ExitCode == 0, output.Result + errors.Result + string.Concat(logs));
    }
}
