using System.Diagnostics;
using System.Globalization;

namespace StreamingCnn.Attacks.Tests.Running;

/// <summary>Lets a process read the files of a target, starts another one when it dies or hangs, and keeps what it died of.</summary>
internal sealed class Attack(Target target, int seed, int count)
{
    // More deaths than this are one fault again and again.
    private const int MostDeaths = 5;
    private const long MostBytes = 3L << 30;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly List<string> problems = [];
    private string last = "nothing";
    private int next;
    private bool isDone;

    /// <summary>Folder for files that something is wrong with; they stay.</summary>
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "attacks");

    /// <summary>Runs it.</summary>
    /// <returns>What went wrong, with what is needed to see it again, and how many files were read.</returns>
    public (IReadOnlyList<string> Problems, int Read) Run()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Folder, target.Name)).FullName;
        for (var deaths = 0; !isDone && deaths < MostDeaths; deaths++)
        {
            var death = RunProcess(folder);
            if (!isDone)
                problems.Add($"{last}: {death}");
        }

        return ([.. problems.Select(problem => $"{target.Name}, seed {seed}, file {problem} (kept in {folder})")], next);
    }

    /// <returns>How the process ended.</returns>
    private string RunProcess(string folder)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(Attack).Assembly.Location);
        foreach (var argument in (string[])[Worker.Name, target.Name, Text(seed), Text(next), Text(count), folder])
            start.ArgumentList.Add(argument);
        start.Environment["OMP_NUM_THREADS"] = "1";
        // Garbage is collected early, so that memory is what a reader needs.
        start.Environment["DOTNET_GCgen0size"] = "0x1000000";
        start.Environment["SCNN_DEBUG"] = "1";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var sinceLast = Stopwatch.StartNew();
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null)
                return;
            sinceLast.Restart();
            if (line.Data == "done")
                isDone = true;
            else if (line.Data.StartsWith('!'))
                problems.Add(line.Data[2..]);
            else
                (last, next) = (line.Data, int.Parse(line.Data.Split(' ')[0], CultureInfo.InvariantCulture) + 1);
        };
        process.BeginOutputReadLine();
        string? stopped = null;
        while (!process.WaitForExit(200))
        {
            process.Refresh();
            stopped = sinceLast.Elapsed > Patience ? $"nothing came of it in {Patience.TotalSeconds} s"
                : TakesTooMuch(process) ? "the process took 3 GiB"
                : null;
            if (stopped is null)
                continue;
            process.Kill();
            break;
        }

        process.WaitForExit();
        var said = errors.GetAwaiter().GetResult();
        return stopped ?? $"the process ended with {process.ExitCode}: {said[..Math.Min(said.Length, 400)].ReplaceLineEndings(" / ")}";

        static bool TakesTooMuch(Process process)
        {
            try
            {
                return process.WorkingSet64 > MostBytes;
            }
            catch (InvalidOperationException)
            {
                // It has ended since it was looked at.
                return false;
            }
        }

        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
    }
}
