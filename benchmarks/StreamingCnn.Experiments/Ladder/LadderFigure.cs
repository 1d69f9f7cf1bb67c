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

    private static readonly int[] Steps = [1, 2, 5];

    public static void Write(string path, IReadOnlyList<LadderResult> results)
    {
        using var plot = new Plot();
        var places = new List<double>();
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
                places.Add(x);
                if (value.Interval is { } interval)
                    plot.Add.Line(x, interval.Low, x, interval.High).LineStyle = new() { Color = colour, Width = 2 };
            }
        }

        var (least, most) = (places.Min() - Margin, places.Max() + Margin);
        double[] ticks = [.. Ticks(least, most)];
        plot.Axes.Bottom.TickGenerator = new NumericManual(
            ticks, [.. ticks.Select(tick => Math.Pow(10, tick).ToString("G1", CultureInfo.InvariantCulture))]);
        plot.Axes.SetLimits(least, most, 0, 1.05);
        plot.XLabel("megapixels of an image (logarithmic)");
        plot.YLabel("AUC, or accuracy");
        // Beside the data, never on it.
        plot.ShowLegend(Edge.Right);
        FigureStyle.Apply(plot);
        plot.SavePng(path, Width * FigureStyle.Scale, Height * FigureStyle.Scale);
    }

    /// <summary>Logarithms of 1, 2 and 5 times powers of ten: those of the points themselves would run into each other.</summary>
    private static IEnumerable<double> Ticks(double least, double most) =>
        from power in Enumerable.Range((int)Math.Floor(least), (int)Math.Ceiling(most) - (int)Math.Floor(least) + 1)
        from step in Steps
        let tick = power + Math.Log10(step)
        where tick >= least && tick <= most
        select tick;
}
