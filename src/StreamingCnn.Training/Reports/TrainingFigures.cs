using ScottPlot;
using ScottPlot.TickGenerators;
using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training.Reports;

/// <summary>How a run went: loss and score over the epochs.</summary>
internal static class TrainingFigures
{
    public static IEnumerable<Figure> Of(IReadOnlyList<EpochResult> history, string scoreName, MonitoredMetric? monitor = null)
    {
        if (history.Count == 0)
            yield break;
        yield return OverEpochs("loss", "loss", "Loss over the epochs", history, result => result.Loss, Alignment.UpperRight, null);
        var best = BestEpoch.Of(history);
        var caption = $"{char.ToUpperInvariant(scoreName[0])}{scoreName[1..]} over the epochs{(best is null ? "" : $"; the weights of epoch {best} are the best")}";
        yield return OverEpochs("score", scoreName, caption, history, result => result.Score, Alignment.LowerRight, best);
        if (monitor is not null)
        {
            yield return OverEpochs(
                "monitored", monitor.Name, $"What the best epoch was chosen by: {monitor.Name}", history, result =>
                    monitor.Value(result) ?? double.NaN, Alignment.LowerRight, best);
        }
    }

    private static Figure OverEpochs(
        string name,
        string label,
        string caption,
        IReadOnlyList<EpochResult> history,
        Func<PartResult, double> value,
        Alignment legend,
        int? best) => new(name,
        caption,
        (plot, theme) =>
    {
        Add("training", epoch => epoch.Training, theme.Of(0));
        Add("validation", epoch => epoch.Validation, theme.Of(1));
        if (best is { } epoch)
        {
            var line = plot.Add.VerticalLine(epoch, 1, theme.Muted, LinePattern.Dashed);
            line.LegendText = "";
        }

        plot.XLabel("epoch");
        plot.YLabel(label);
        plot.Axes.Bottom.TickGenerator = new NumericAutomatic { IntegerTicksOnly = true };
        plot.Axes.Margins(0.03, 0.08);
        plot.ShowLegend(legend);

        void Add(string part, Func<EpochResult, PartResult?> of, Color colour)
        {
            var points = history.Where(epoch => of(epoch) is { } result && double.IsFinite(value(result))).ToArray();
            if (points.Length == 0)
                return;
            var line = plot.Add.Scatter(
                points.Select(epoch => (double)epoch.Epoch).ToArray(), points.Select(epoch => value(of(epoch)!)).ToArray(), colour);
            line.LegendText = part;
            line.LineWidth = 2;
            // Dots tell single epochs apart as long as there are few.
            line.MarkerSize = points.Length <= 60 ? 5 : 0;
        }
    });
}
