using System.Diagnostics;
using System.Globalization;

namespace StreamingCnn.Imaging.Benchmarks;

/// <summary>
/// Both readers in turns, so that whatever else the machine does falls on both alike; each pass in a process of its own, so that its peak
/// memory is its own.
/// </summary>
internal static class WindowComparison
{
    public static int Run(string path, int side, int rounds)
    {
        var costs = Enum.GetValues<WindowReader>().ToDictionary(reader => reader, _ => new List<PassCost>());
        for (var round = 1; round <= rounds; round++)
        {
            foreach (var (reader, all) in costs)
            {
                var cost = Measure(reader, path, side);
                all.Add(cost);
                Say($"round {round} of {rounds}  {reader,-8} {cost.Pixels / 1e6:0.0} MP in {cost.Seconds:0.00} s, {cost.Rate:0.0} MP/s, {cost.CpuSeconds:0.00} s of processor time, peak {cost.PeakBytes / 1e6:0} MB");
            }
        }

        if (costs.Values.SelectMany(all => all).Select(cost => cost.Sum).Distinct().Count() > 1)
            throw new InvalidOperationException($"The readers do not agree on the pixels of {path}.");
        var (ours, theirs) = (costs[WindowReader.Library], costs[WindowReader.Libvips]);
        Say($"median   library {Median(ours, cost => cost.Rate):0.0} MP/s, libvips {Median(theirs, cost => cost.Rate):0.0} MP/s: {Median(ours, cost => cost.Rate) / Median(theirs, cost => cost.Rate):0.00} times as fast; processor time {Median(ours, cost => cost.CpuSeconds):0.00} s and {Median(theirs, cost => cost.CpuSeconds):0.00} s; peak memory {ours.Max(cost => cost.PeakBytes) / 1e6:0} MB with libtorch, {theirs.Max(cost => cost.PeakBytes) / 1e6:0} MB without.");
        return 0;
    }

    private static PassCost Measure(WindowReader reader, string path, int side)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        // Under "dotnet name.dll" the process is dotnet, which wants the assembly's name first.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(WindowComparison).Assembly.Location);
        foreach (var argument in (string[])["pass", reader.ToString(), path, "--window", side.ToString(CultureInfo.InvariantCulture)])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? PassCost.FromJson(output)
            : throw new InvalidOperationException($"The pass of {reader} over {path} ended with exit code {process.ExitCode}.");
    }

    private static double Median(List<PassCost> costs, Func<PassCost, double> value)
    {
        var sorted = costs.Select(value).Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static void Say(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
