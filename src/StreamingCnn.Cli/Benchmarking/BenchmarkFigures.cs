using System.Globalization;
using ScottPlot;
using StreamingCnn.Training.Reports;

namespace StreamingCnn.Cli.Benchmarking;

/// <summary>Time and memory of a benchmark's steps against whatever it has several of: tiles, budgets, image sizes.</summary>
internal static class BenchmarkFigures
{
    private const double Mebibyte = 1 << 20;

    public static IEnumerable<Figure> Of(BenchmarkTable table)
    {
        StepSetting[] all = [.. table.Settings];
        var byTile = Lines(
            all.Where(setting => setting.Tile > 0), setting => $"{setting.MethodName}, {setting.Size}", setting => setting.Tile);
        var byMemory = Lines(
            all.Where(setting => setting.Method.IsTiled() && setting.Tile == 0),
            setting => $"{setting.MethodName}, {setting.Size}",
            setting => setting.Memory / Mebibyte);
        var bySize = Lines(
            all.Where(setting => setting.Memory == 0 || setting.Tile > 0),
            setting => setting.Name,
            setting => (double)setting.Height * setting.Width / 1e6);
        return [
            .. Both("tile", "side of the tile in pixels", byTile, all), .. Both("memory", "memory budget in MiB", byMemory, all), .. Both(
                "size", "size of the image in megapixels", bySize, [])
        ];

        IEnumerable<Figure> Both(string by, string label, IReadOnlyList<Line> lines, IEnumerable<StepSetting> others)
        {
            if (lines.Count == 0)
                return [];
            var sizes = lines.SelectMany(line => line.Points).Select(point => point.Setting.Size).ToHashSet();
            StepSetting[] flat = [.. others.Where(setting => !setting.Method.IsTiled() && sizes.Contains(setting.Size))];
            return
            [
                Draw($"time-by-{by}", $"Time of a training step, {all[0].ModelText}", label, "seconds", lines, flat, table.Seconds),
                Draw($"memory-by-{by}", $"Peak memory of a training step, {all[0].ModelText}", label, "MiB", lines, flat, table.Peak),
            ];
        }
    }

    /// <summary>The settings that differ in one thing alone, in its order; single ones make no line.</summary>
    private static Line[] Lines(IEnumerable<StepSetting> settings, Func<StepSetting, string> name, Func<StepSetting, double> x) =>
    [
        .. settings.GroupBy(name)
            .Select(group => new Line(group.Key, [.. group.Select(setting => (x(setting), setting)).OrderBy(point => point.Item1)]))
            .Where(line => line.Points.Select(point => point.X).Distinct().Count() > 1),
    ];

    private static Figure Draw(
        string name,
        string caption,
        string xLabel,
        string yLabel,
        IReadOnlyList<Line> lines,
        IReadOnlyList<StepSetting> flat,
        Func<StepSetting, double> value) =>
        new(name, caption, (plot, theme) =>
        {
            var colour = 0;
            foreach (var line in lines)
            {
                var drawn = plot.Add.Scatter(
                    line.Points.Select(point => point.X).ToArray(),
                    line.Points.Select(point => value(point.Setting)).ToArray(),
                    theme.Of(colour++));
                drawn.LineWidth = 2;
                drawn.MarkerSize = 7;
                drawn.LegendText = line.Name;
            }

            foreach (var setting in flat)
            {
                var level = plot.Add.HorizontalLine(value(setting), 2, theme.Of(colour++), LinePattern.Dashed);
                level.LegendText = string.Create(CultureInfo.InvariantCulture, $"{setting.MethodName}, {setting.Size}");
            }

            plot.XLabel(xLabel);
            plot.YLabel(yLabel);
            // Both begin at zero, so that heights compare as they look.
            var lowest = lines.SelectMany(line => line.Points).Min(point => point.X);
            var widest = lines.SelectMany(line => line.Points).Max(point => point.X);
            var highest = lines.SelectMany(line => line.Points).Select(point => value(point.Setting)).Concat(flat.Select(value)).Max();
            plot.Axes.SetLimits(lowest - (0.05 * (widest - lowest)), widest + (0.05 * (widest - lowest)), 0, 1.1 * highest);
            plot.ShowLegend(Edge.Bottom);
        })
        { Width = 640, Height = 420 };

    private sealed record Line(string Name, IReadOnlyList<(double X, StepSetting Setting)> Points);
}
