using System.Globalization;
using StreamingCnn.Cli.Benchmarking;

namespace StreamingCnn.Experiments.Ladder;

/// <summary>Peak memory of one training step at full resolution above what is resident before it, in bytes, median of the rounds.</summary>
/// <param name="Streamed">Streamed in the task's tiles.</param>
/// <param name="Whole">Conventional.</param>
internal sealed record StepMemory(double Streamed, double Whole)
{
    private const double Mebibyte = 1 << 20;

    /// <summary>
    /// Measures by <c>scnn bench</c>, every step in a process of its own; what stands in the file already is not measured again.
    /// </summary>
    /// <param name="task">The task.</param>
    /// <param name="height">Height of its images.</param>
    /// <param name="width">Width of its images.</param>
    /// <param name="rounds">How often.</param>
    /// <param name="path">CSV file of the measurements.</param>
    /// <param name="scnn">Runs the program.</param>
    public static StepMemory Measure(LadderTask task, long height, long width, int rounds, string path, ScnnRunner scnn)
    {
        var size = string.Create(CultureInfo.InvariantCulture, $"{height}x{width}");
        scnn(
            [
                "bench",
                "--model",
                LadderTask.Model,
                "--size",
                size,
                "--tile",
                Text(task.Tile),
                "--method",
                "whole,once",
                "--repeat",
                Text(rounds),
                "--threads",
                "1",
                "--csv",
                path
            ]);
        return Read(path);
    }

    /// <summary>Reads what <c>scnn bench</c> has written.</summary>
    public static StepMemory Read(string path)
    {
        var table = BenchmarkTable.FromCsv(path);
        return new(Median(StepMethod.Once), Median(StepMethod.Whole));

        double Median(StepMethod method) => table.Settings.FirstOrDefault(setting => setting.Method == method) is { } setting
            ? table.Peak(setting) * Mebibyte
            : throw new InvalidDataException($"'{path}' holds no measurement of the method {method.ToString().ToLowerInvariant()}; delete it, and run the command again.");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
