using ScottPlot;

namespace StreamingCnn.Training.Reports;

/// <summary>
/// Colours of a figure. Those of the series can be told apart by people who see no red or no green (Okabe and Ito, 2008).
/// </summary>
internal sealed record FigureTheme
{
    public static readonly FigureTheme Light = new()
    {
        Background = Colors.White,
        Text = Color.FromHex("#24292f"),
        Muted = Color.FromHex("#8c959f"),
        Grid = Color.FromHex("#eaeef2"),
        Series =
            [.. new[] { "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#6B6B6B" }.Select(Color.FromHex)],
    };

    public static readonly FigureTheme Dark = new()
    {
        Background = Color.FromHex("#161b22"),
        Text = Color.FromHex("#d8dee4"),
        Muted = Color.FromHex("#7d8590"),
        Grid = Color.FromHex("#2a313a"),
        Series =
            [.. new[] { "#56B4E9", "#FF9A4D", "#3CCFA0", "#E59CC4", "#F0C04A", "#8AB8FF", "#B79AE8", "#B0B0B0" }.Select(Color.FromHex)],
    };

    public required Color Background { get; init; }

    public required Color Text { get; init; }

    public required Color Muted { get; init; }

    public required Color Grid { get; init; }

    public required Color[] Series { get; init; }

    public Color Of(int series) => Series[series % Series.Length];
}
