using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace StreamingCnn.Experiments.Ladder;

/// <summary>The metric against the megapixels of an image, on a logarithmic axis: a line with error bars for each task.</summary>
internal static class LadderFigure
{
    private const int Width = 760;
    private const int Height = 420;
    private const double Margin = 0.15;

    public static void Write(string path, IReadOnlyList<LadderResult> results)
    {
        using var plot = new Plot();
        var ticks = new SortedDictionary<double, string>();
        foreach (var (i, result) in results.Index())
        {
            var colour = FigureStyle.Series[i % FigureStyle.Series.Count];
            double[] xs = [.. result.Rungs.Select(rung => Math.Log10(result.Megapixels(rung)))];
            double[] ys = [.. result.Comparison.Values.Select(value => value.Value)];
            var line = plot.Add.Scatter(xs, ys, colour);
            (line.LineWidth, line.MarkerSize) = (2, 8);
            line.LegendText = $"{result.Task.Name}, {result.Comparison.Metric}";
            foreach (var (x, value) in xs.Zip(result.Comparison.Values))
            {
                ticks[x] = Math.Pow(10, x).ToString("0.000", CultureInfo.InvariantCulture);
                if (value.Interval is { } interval)
                    plot.Add.Line(x, interval.Low, x, interval.High).LineStyle = new() { Color = colour, Width = 2 };
            }
        }

        plot.Axes.Bottom.TickGenerator = new NumericManual([.. ticks.Keys], [.. ticks.Values]);
        plot.Axes.SetLimits(ticks.Keys.First() - Margin, ticks.Keys.Last() + Margin, 0, 1.05);
        plot.XLabel("megapixels of an image (logarithmic)");
        plot.YLabel("AUC, or accuracy");
        // Beside the data, never on it.
        plot.ShowLegend(Edge.Right);
        FigureStyle.Apply(plot);
        plot.SavePng(path, Width * FigureStyle.Scale, Height * FigureStyle.Scale);
    }
}
