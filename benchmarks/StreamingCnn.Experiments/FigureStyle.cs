using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;
using StreamingCnn.Training.Reports;

namespace StreamingCnn.Experiments;

/// <summary>How the figures of the documentation look.</summary>
internal static class FigureStyle
{
    /// <summary>Pixels for each pixel on paper, for screens that have more of them.</summary>
    public const int Scale = 2;

    private static readonly Color Muted = Color.FromHex("#8c959f");

    /// <summary>Colours that people who see no red or no green can tell apart (Okabe and Ito, 2008).</summary>
    public static IReadOnlyList<Color> Series { get; } = [.. new[] { "#0072B2", "#D55E00", "#009E73", "#CC79A7" }.Select(Color.FromHex)];

    /// <summary>Applies the style; to be called last.</summary>
    public static void Apply(Plot plot)
    {
        plot.ScaleFactor = Scale;
        plot.FigureBackground.Color = Colors.White;
        plot.Grid.MajorLineColor = Color.FromHex("#eaeef2");
        plot.Axes.Right.FrameLineStyle.IsVisible = false;
        plot.Axes.Top.FrameLineStyle.IsVisible = false;
        plot.Legend.OutlineWidth = 0;
        plot.Legend.ShadowColor = Colors.Transparent;
        foreach (var axis in (IAxis[])[plot.Axes.Left, plot.Axes.Bottom])
        {
            axis.FrameLineStyle.Color = Muted;
            axis.MajorTickStyle.Color = Muted;
            axis.MinorTickStyle.Length = 0;
            axis.Label.Bold = false;
            axis.Label.FontSize = 13;
        }

        if (Figure.FontFamily is not null)
            plot.Font.Set(Figure.FontFamily);
    }

    /// <summary>Labels an axis of decimal logarithms with powers of ten.</summary>
    public static void PowersOfTen(IAxis axis, int from, int to)
    {
        var powers = Enumerable.Range(from, to - from + 1).Where(power => power % 2 == 0).ToArray();
        axis.TickGenerator = new NumericManual(
            [.. powers.Select(power => (double)power)],
            [.. powers.Select(power => string.Create(CultureInfo.InvariantCulture, $"1e{power}"))]);
    }
}
