using System.Globalization;
using System.Text;
using ScottPlot.TickGenerators;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Training.Reports;

/// <summary>A learning-rate range test as a table and as a figure.</summary>
public static class RateFigure
{
    /// <summary>Writes <c>rates.csv</c> and <c>rates.png</c>.</summary>
    /// <param name="search">The test.</param>
    /// <param name="folder">The folder, which is there.</param>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static void Write(LearningRateSearch search, string folder)
    {
        ArgumentNullException.ThrowIfNull(search);
        ArgumentNullException.ThrowIfNull(folder);
        var text = new StringBuilder("rate,loss,smoothed\n");
        foreach (var (trial, smoothed) in search.Trials.Zip(search.Smoothed))
            text.Append(CultureInfo.InvariantCulture, $"{trial.Rate:R},{trial.Loss:R},{smoothed:R}\n");
        AtomicFile.Write(Path.Combine(folder, "rates.csv"), file => file.Write(Encoding.UTF8.GetBytes(text.ToString())));
        var picture = Of(search).Png(FigureTheme.Light, titled: true);
        AtomicFile.Write(Path.Combine(folder, "rates.png"), file => file.Write(picture));
    }

    /// <summary>Loss and smoothed loss over the logarithm of the rate, and what is suggested.</summary>
    internal static Figure Of(LearningRateSearch search)
    {
        var found = search.Suggestion is { } rate
            ? string.Create(CultureInfo.InvariantCulture, $", falling most steeply at {rate:0.0e+0}")
            : "";
        return new("rates", $"Loss over the learning rate{found}", (plot, theme) =>
        {
            Add("of each batch", [.. search.Trials.Select(trial => trial.Loss)], theme.Muted, 1);
            Add("smoothed", search.Smoothed, theme.Of(0), 2);
            if (search.Suggestion is { } suggestion)
                plot.Add.VerticalLine(Math.Log10(suggestion), 1, theme.Of(1), ScottPlot.LinePattern.Dashed);
            double[] powers = [.. Enumerable.Range(-7, 9).Select(power => (double)power)];
            plot.Axes.Bottom.TickGenerator = new NumericManual(
                powers, [.. powers.Select(power => string.Create(CultureInfo.InvariantCulture, $"1e{power:0}"))]);
            plot.XLabel("learning rate");
            plot.YLabel("loss");
            // Where it diverges the curve leaves the picture; what is looked for lies below the start.
            var start = search.Smoothed.Take(search.Trials.Count / 2).DefaultIfEmpty(1).Max();
            plot.Axes.SetLimitsY(0, 1.5 * start);
            plot.ShowLegend(ScottPlot.Alignment.LowerLeft);

            void Add(string name, IReadOnlyList<double> losses, ScottPlot.Color colour, float width)
            {
                var drawn = losses.Index().Where(loss => double.IsFinite(loss.Item)).ToArray();
                var line = plot.Add.Scatter(
                    drawn.Select(loss => Math.Log10(search.Trials[loss.Index].Rate)).ToArray(),
                    drawn.Select(loss => loss.Item).ToArray(),
                    colour);
                (line.LegendText, line.LineWidth, line.MarkerSize) = (name, width, 0);
            }
        });
    }
}
