using ScottPlot;

namespace StreamingCnn.Experiments.Curves;

/// <summary>The losses of every step, one curve over the other, and below them how far they are apart.</summary>
internal static class CurvesFigure
{
    private const int Width = 760;
    private const int Height = 280;

    public static void Write(string path, IReadOnlyList<CurveResult> results)
    {
        using var losses = new Plot();
        using var differences = new Plot();
        Losses(losses, results[0]);
        Differences(differences, results);
        StackedFigure.Write(path, Width, Height, losses, differences);
    }

    private static void Losses(Plot plot, CurveResult result)
    {
        Line(plot, result, step => step.Whole, FigureStyle.Series[1].WithAlpha(0.45), 6, "whole image");
        Line(plot, result, step => step.Streamed, FigureStyle.Series[0], 1, $"streamed, tiles of {result.Setting.Tile} px");
        plot.YLabel($"loss of a batch, {result.Setting.Precision}");
        plot.ShowLegend(Alignment.UpperRight);
        FigureStyle.Apply(plot);
    }

    private static void Differences(Plot plot, IReadOnlyList<CurveResult> results)
    {
        foreach (var (i, result) in results.Index())
        {
            Line(
                plot, result, step => Logarithm(step.Reordered - step.Whole), FigureStyle.Series[1].WithAlpha(0.45), 2.5f, i == 0
                    ? "whole image, batches in reverse order"
                    : "");
            Line(plot, result, step => Logarithm(step.Streamed - step.Whole), FigureStyle.Series[0], 1, i == 0 ? "streamed" : "");
            var label = plot.Add.Text(
                result.Setting.Precision.ToString(),
                result.Steps.Count * 0.99,
                Logarithm(result.Steps.Max(step => Math.Abs(step.Streamed - step.Whole))) + 0.8);
            label.LabelAlignment = Alignment.LowerRight;
            label.LabelFontSize = 12;
        }

        plot.XLabel("step");
        plot.YLabel("difference to the whole image's loss");
        // Room for the label above the curves.
        plot.Axes.SetLimitsY(-18, 2);
        FigureStyle.PowersOfTen(plot.Axes.Left, -18, 0);
        plot.ShowLegend(Alignment.MiddleRight);
        FigureStyle.Apply(plot);
    }

    // Equal losses are drawn at the lower edge.
    private static double Logarithm(double difference) => difference == 0 ? -18 : Math.Log10(Math.Abs(difference));

    private static void Line(Plot plot, CurveResult result, Func<CurveStep, double> value, Color colour, float width, string name)
    {
        var line = plot.Add.ScatterLine(
            Enumerable.Range(1, result.Steps.Count).Select(step => (double)step).ToArray(), result.Steps.Select(value).ToArray(), colour);
        line.LineWidth = width;
        line.LegendText = name;
    }
}
