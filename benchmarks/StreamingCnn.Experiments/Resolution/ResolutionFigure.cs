using ScottPlot;
using ScottPlot.TickGenerators;

namespace StreamingCnn.Experiments.Resolution;

/// <summary>For each question and arm the mean area with its interval, and a dot for each run.</summary>
internal static class ResolutionFigure
{
    private const int Width = 760;
    private const int Height = 400;
    private const double Spread = 0.22;

    public static void Write(string path, IReadOnlyList<string> arms, IReadOnlyList<(string Question, Comparison Answer)> questions)
    {
        using var plot = new Plot();
        var chance = plot.Add.VerticalLine(0.5, 1, Color.FromHex("#8c959f"), LinePattern.Dashed);
        chance.LegendText = "chance";
        foreach (var (row, (_, answer)) in questions.Index())
        {
            foreach (var (i, arm) in arms.Index())
            {
                var y = -row + (((arms.Count - 1) / 2.0 - i) * Spread);
                var colour = FigureStyle.Series[i % FigureStyle.Series.Count];
                if (answer.Means[i].Interval is { } interval)
                    plot.Add.Line(interval.Low, y, interval.High, y).LineStyle = new() { Color = colour, Width = 2 };
                plot.Add.Markers(
                    answer.Runs[i].Select(run => run.Value).ToArray(), [
                        .. answer.Runs[i].Select(_ => y)
                    ], MarkerShape.OpenCircle, 7, colour);
                var mean = plot.Add.Markers((double[])[answer.Means[i].Value], (double[])[y], MarkerShape.FilledCircle, 9, colour);
                if (row == 0)
                    mean.LegendText = arm;
            }
        }

        plot.Axes.Left.TickGenerator = new NumericManual(
            [.. questions.Select((_, i) => -(double)i)], [.. questions.Select(entry => entry.Question)]);
        plot.Axes.SetLimits(0, 1.02, 0.6 - questions.Count, 0.6);
        plot.XLabel("area under the ROC curve (AUC)");
        plot.ShowLegend(Alignment.MiddleLeft);
        FigureStyle.Apply(plot);
        plot.SavePng(path, Width * FigureStyle.Scale, Height * FigureStyle.Scale);
    }
}
