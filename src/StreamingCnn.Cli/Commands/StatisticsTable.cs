using System.Globalization;
using StreamingCnn.Imaging;

namespace StreamingCnn.Cli.Commands;

/// <summary>Values of an image's bands as a table for a person.</summary>
internal static class StatisticsTable
{
    private static readonly string[] Header = ["band", "least", "greatest", "mean", "deviation", "2 %", "98 %", "no data"];

    /// <summary>The lines of the table.</summary>
    public static IEnumerable<string> Lines(IReadOnlyList<BandStatistics> bands)
    {
        string[][] rows = [Header, .. bands.Select(Row)];
        var widths = Enumerable.Range(0, Header.Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            var first = row == rows[0] ? "statistics" : "";
            var cells = row.Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]));
            yield return $"{first,-14}{string.Join("  ", cells)}";
        }
    }

    private static string[] Row(BandStatistics band) =>
    [
        band.Band,
        Exact(band.Least),
        Exact(band.Most),
        Rounded(band.Mean),
        Rounded(band.Deviation),
        Exact(band.Low),
        Exact(band.High),
        band.Missing.ToString("0.00 %", CultureInfo.InvariantCulture),
    ];

    // Values as the file has them.
    private static string Exact(double value) => double.IsNaN(value) ? "-" : ((float)value).ToString("G7", CultureInfo.InvariantCulture);

    private static string Rounded(double value) => double.IsNaN(value) ? "-" : value.ToString("G6", CultureInfo.InvariantCulture);
}
