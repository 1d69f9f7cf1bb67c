using System.Diagnostics;

namespace StreamingCnn.Experiments.Ladder;

/// <summary>Runs a command of the program <c>scnn</c>, and says how long it took.</summary>
/// <exception cref="IOException">It ended with an error.</exception>
internal delegate RungTime ScnnRunner(params IEnumerable<string> arguments);

/// <summary>The program <c>scnn</c>, run in a process of its own, as a person would.</summary>
internal static class Scnn
{
    /// <summary>Runs a command; what it prints goes to this program's output for errors.</summary>
    /// <returns>How long it took.</returns>
    /// <exception cref="IOException">It ended with an error.</exception>
    public static RungTime Run(params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "scnn.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
        };
        start.Environment.TryAdd("OMP_NUM_THREADS", "1");
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        var processor = TimeSpan.Zero;
        while (process.StandardOutput.ReadLine() is { } line)
        {
            Console.Error.WriteLine(line);
            processor = ProcessorTime(process) ?? processor;
        }

        process.WaitForExit();
        return process.ExitCode == 0
            ? new(clock.Elapsed.TotalSeconds, processor.TotalSeconds)
            : throw new IOException(
                $"'scnn {string.Join(' ', arguments)}' ended with exit code {process.ExitCode}; the lines above say why.");
    }

    /// <summary>Processor time so far; null when the process has ended, after which the system does not tell it any more.</summary>
    private static TimeSpan? ProcessorTime(Process process)
    {
        try
        {
            return process.TotalProcessorTime;
        }
        catch (InvalidOperationException) when (process.HasExited)
        {
            return null;
        }
    }
}
