using System.Globalization;
using System.Security;
using System.Text;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Maps;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>A picture for people: the image, small, with a map of numbers laid over it in colours, and a legend below.</summary>
public static class NumberOverlay
{
    private const float Cover = 0.6f;
    private const int Height = 96;
    private const int BarWidth = 300;

    /// <summary>Writes the picture.</summary>
    /// <param name="path">PNG file. It appears complete or not at all.</param>
    /// <param name="grid">The map, of which all has come; its first number is drawn.</param>
    /// <param name="photograph">
    /// The image as people see it: 1 or 3 channels on the scale 0 to 255, with the same field of view. Stays the caller's.
    /// </param>
    /// <param name="number">What the number is called.</param>
    /// <param name="name">What the image is called.</param>
    /// <param name="remark">What was done to show the image, below the legend; empty for nothing.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(
        string path, NumberGrid grid, IImageSource photograph, string number, string name = "", string remark = "")
    {
        ArgumentNullException.ThrowIfNull(grid);
        ArgumentNullException.ThrowIfNull(photograph);
        ArgumentNullException.ThrowIfNull(number);
        using var scope = NewDisposeScope();
        using var pause = new CollectionPause();
        var factor = Math.Max(1, Overlay.SmallestSide / Math.Max(grid.Height, grid.Width));
        var (height, width) = ((long)grid.Height * factor, (long)grid.Width * factor);
        var photo = Overlay.Muted(photograph, height, width, factor > 1);
        var cells = grid.Cells;
        var (low, high) = NumberColours.Range(cells);
        var colours = cells.SelectMany(cell => float.IsNaN(cell)
            ? (byte[])[0, 0, 0, 0]
            : [.. NumberColours.Of((cell - low) / (high - low)), byte.MaxValue]).ToArray();
        var drawn = tensor(colours, [grid.Height, grid.Width, 4]).permute(2, 0, 1).to(ScalarType.Float32);
        if (factor > 1)
            drawn = nn.functional.interpolate(drawn.unsqueeze(0), [height, width], mode: InterpolationMode.Nearest)[0];
        photo = photo.lerp(drawn.narrow(0, 0, 3), drawn.narrow(0, 3, 1) / tensor(255f / Cover));
        var legend = Legend.Render(Drawn((int)Math.Max(width, Overlay.SmallestSide), low, high, grid.Summaries[0], number, name, remark));
        Overlay.WriteAbove(legend, photo, path);
    }

    private static string Drawn(int width, double low, double high, NumberSummary summary, string number, string name, string remark)
    {
        var unit = Math.Max(1, width / 1000.0);
        var inner = width / unit;
        var bar = inner - BarWidth - 20;
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{Math.Round(Height * unit)}' viewBox='0 0 {inner} {Height}'>");
        text.Append("<defs><linearGradient id='numbers'>");
        foreach (var (share, colour) in NumberColours.Scale)
            text.Append(CultureInfo.InvariantCulture, $"<stop offset='{share}' stop-color='rgb({colour[0]},{colour[1]},{colour[2]})'/>");
        text.Append("</linearGradient></defs><rect width='100%' height='100%' fill='white'/>");
        var said = summary.Positions == 0
            ? "no data"
            : $"{Text(summary.Least)} to {Text(summary.Most)}, mean {Text(summary.Mean)}, sum {Text(summary.Sum)}";
        foreach (var (y, size, style, line) in new[]
        {
            (32, 19, "font-weight='bold' fill='#222'", number), (56, 14, "fill='#222'", name), (
                80, 13, "fill='#555'", remark.Length > 0 ? $"{said}; {remark}" : said),
        })
        {
            var shown = Legend.Shorten(line, ((y < 60 ? bar : inner) - 40) / (size * Legend.LetterWidth));
            text.Append(
                CultureInfo.InvariantCulture,
                $"<text x='20' y='{y}' {Legend.Font} font-size='{size}' {style}>{SecurityElement.Escape(shown)}</text>");
        }

        text.Append(CultureInfo.InvariantCulture, $"<rect x='{bar}' y='18' width='{BarWidth}' height='16' rx='2' fill='url(#numbers)'/>");
        foreach (var (share, anchor) in new[] { (0.0, "start"), (0.5, "middle"), (1.0, "end") })
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"<text x='{bar + (share * BarWidth)}' y='52' text-anchor='{anchor}' {Legend.Font} font-size='12' fill='#555'>{Text(low + (share * (high - low)))}</text>");
        }

        return text.Append("</svg>").ToString();
    }

    private static string Text(double value) => value.ToString("G4", CultureInfo.InvariantCulture);
}
