using ScottPlot;
using ScottPlot.TickGenerators;
using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training.Reports;

/// <summary>Several runs in one plot each: curves over the epochs, and final metrics with their intervals.</summary>
internal static class ComparisonFigures
{
    private const string Epoch = "epoch";
    private const string Loss = "loss";
    private const string Validation = "validation_";
    private const string Rate = "learning_rate";
    private const int LongestName = 28;
    private const int MostDots = 60;

    // So many metrics can be told apart in one picture.
    private const int MostMetrics = 12;

    /// <summary>A plot for each column of numbers: training images dashed, validation images solid, a colour for each run.</summary>
    public static IEnumerable<Figure> Curves(IReadOnlyList<ComparedRun> runs)
    {
        string[] columns =
        [
            .. runs.SelectMany(run => run.Curves.Keys)
                .Where(name => name != Epoch && !name.StartsWith(Validation, StringComparison.Ordinal))
                .Distinct().OrderBy(name => name == Loss ? 0 : name == Rate ? 2 : 1),
        ];
        foreach (var column in columns)
        {
            var name = column.Replace('_', ' ');
            var hasParts = runs.Any(run => run.Curves.ContainsKey(Validation + column));
            var caption = $"{char.ToUpperInvariant(name[0])}{name[1..]} over the epochs"
                + (hasParts ? "; validation solid, training dashed" : "");
            yield return new(column, caption, (plot, theme) => Draw(plot, theme, runs, column, hasParts))
            {
                Height = 340 + (LegendLines(runs) * 18),
            };
        }
    }

    /// <summary>Final metrics of a part that lie between 0 and 1, each with the interval of each run; null where there are none.</summary>
    public static Figure? Intervals(IReadOnlyList<ComparedRun> runs, string part)
    {
        string[] names =
        [
            .. runs.SelectMany(run => run.Parts.GetValueOrDefault(part) ?? []).Where(metric => metric.Value is >= 0 and <= 1)
                .Select(metric => metric.Name).Distinct().Take(MostMetrics),
        ];
        if (names.Length == 0)
            return null;
        return new($"{part}-metrics", $"Final metrics, {part}, with their intervals", (plot, theme) =>
        {
            // The first stands at the top.
            foreach (var (place, run) in runs.Index())
            {
                var colour = theme.Of(place);
                var shown = false;
                foreach (var (row, name) in names.Index())
                {
                    if (run.Parts.GetValueOrDefault(part)?.FirstOrDefault(metric => metric.Name == name) is not { } metric
                        || double.IsNaN(metric.Value))
                        continue;
                    var y = -row - ((place + 1) / (double)(runs.Count + 1)) + 0.5;
                    if (metric.Interval is { } interval)
                    {
                        var line = plot.Add.Line(interval.Low, y, interval.High, y);
                        (line.LineColor, line.LineWidth, line.MarkerSize) = (colour, 2, 0);
                    }

                    var dot = plot.Add.Marker(metric.Value, y, Shape(theme, place), 8, colour);
                    if (!shown)
                        dot.LegendText = Short(run.Name);
                    shown = true;
                }
            }

            plot.Axes.Left.TickGenerator = new NumericManual(
                [.. names.Select((_, row) => (double)-row)], [.. names.Select(name => Short(name))]);
            plot.Axes.Margins(0.05, 0);
            plot.Axes.SetLimitsY(-names.Length + 0.5, 0.5);
            plot.XLabel("value");
            Legend(plot);
        })
        {
            Width = 760,
            Height = 110 + (names.Length * Math.Max(28, 14 * runs.Count)) + (LegendLines(runs) * 18),
        };
    }

    private static void Draw(Plot plot, FigureTheme theme, IReadOnlyList<ComparedRun> runs, string column, bool hasParts)
    {
        foreach (var (place, run) in runs.Index())
        {
            var isNamed = false;
            foreach (var (name, isTraining) in new[] { (Validation + column, false), (column, true) })
            {
                if (!run.Curves.TryGetValue(name, out var values) || !run.Curves.TryGetValue(Epoch, out var epochs))
                    continue;
                var points = epochs.Zip(values).Where(point => double.IsFinite(point.First) && double.IsFinite(point.Second)).ToArray();
                if (points.Length == 0)
                    continue;
                var line = plot.Add.Scatter(
                    points.Select(point => point.First).ToArray(), points.Select(point => point.Second).ToArray(), theme.Of(place));
                line.LineWidth = isTraining && hasParts ? 1.5f : 2;
                line.LinePattern = isTraining && hasParts ? LinePattern.Dashed : LinePattern.Solid;
                line.MarkerShape = Shape(theme, place);
                line.MarkerSize = points.Length <= MostDots ? 5 : 0;
                line.LegendText = isNamed ? "" : Short(run.Name);
                isNamed = true;
            }
        }

        plot.XLabel("epoch");
        plot.YLabel(column.Replace('_', ' '));
        plot.Axes.Bottom.TickGenerator = new NumericAutomatic { IntegerTicksOnly = true };
        plot.Axes.Margins(0.03, 0.08);
        Legend(plot);
    }

    // Beside the curves it would hide some, so it stands below.
    private static void Legend(Plot plot)
    {
        plot.ShowLegend(Edge.Bottom);
        plot.Legend.Orientation = Orientation.Horizontal;
    }

    private static int LegendLines(IReadOnlyList<ComparedRun> runs) => (runs.Count + 1) / 2;

    // There are fewer colours than there may be runs.
    private static MarkerShape Shape(FigureTheme theme, int place) => (place / theme.Series.Length % 3) switch
    {
        0 => MarkerShape.FilledCircle,
        1 => MarkerShape.FilledSquare,
        _ => MarkerShape.FilledTriangleUp,
    };

    // Names of runs differ at their ends most often.
    private static string Short(string name) =>
        name.Length <= LongestName ? name : $"{name[..((LongestName / 2) - 1)]}…{name[^(LongestName / 2)..]}";
}
