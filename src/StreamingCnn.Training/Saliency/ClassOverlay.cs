using System.Globalization;
using System.Security;
using System.Text;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Maps;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>A picture for people: the image, small, with the classes of a map laid over it in their colours, and a legend below.</summary>
public static class ClassOverlay
{
    private const double Cover = 0.6;
    private const double LeastCover = 0.2;
    private const int LineHeight = 30;
    private const int Margin = 20;
    private const int SizeOfTitle = 19;
    private const int SizeOfNames = 14;
    private const int SizeOfRemark = 13;
    private const int SwatchSide = 16;

    /// <summary>Writes the picture.</summary>
    /// <param name="path">PNG file. It appears complete or not at all.</param>
    /// <param name="grid">The map, of which all rows have come.</param>
    /// <param name="classes">The classes that the legend names, with what is said of each.</param>
    /// <param name="photograph">
    /// The image as people see it: 1 or 3 channels on the scale 0 to 255, with the same field of view. Stays the caller's.
    /// </param>
    /// <param name="title">What stands above the legend.</param>
    /// <param name="remark">What was done to show the image, below the legend; empty for nothing.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(
        string path,
        ClassGrid grid,
        IReadOnlyList<(MapClass Class, string Text)> classes,
        IImageSource photograph,
        string title,
        string remark = "")
    {
        ArgumentNullException.ThrowIfNull(grid);
        ArgumentNullException.ThrowIfNull(classes);
        ArgumentNullException.ThrowIfNull(photograph);
        ArgumentNullException.ThrowIfNull(title);
        using var scope = NewDisposeScope();
        using var pause = new CollectionPause();
        var factor = Math.Max(1, Overlay.SmallestSide / Math.Max(grid.Height, grid.Width));
        var (height, width) = ((long)grid.Height * factor, (long)grid.Width * factor);
        var photo = Overlay.Muted(photograph, height, width, factor > 1);
        var cells = tensor(grid.Cells.ToArray(), [grid.Height, grid.Width, 4]).permute(2, 0, 1).to(ScalarType.Float32);
        if (factor > 1)
            cells = nn.functional.interpolate(cells.unsqueeze(0), [height, width], mode: InterpolationMode.Nearest)[0];
        var share = cells.narrow(0, 3, 1) / tensor(255f);
        var cover = (share * tensor(Cover - LeastCover) + tensor(LeastCover)) * share.gt(tensor(0f)).to(ScalarType.Float32);
        photo = photo.lerp(cells.narrow(0, 0, 3), cover.to(ScalarType.Float32));
        var legend = Legend.Render(Drawn((int)Math.Max(width, Overlay.SmallestSide), classes, title, remark));
        Overlay.WriteAbove(legend, photo, path);
    }

    /// <summary>The legend as SVG: a line for each class.</summary>
    private static string Drawn(int width, IReadOnlyList<(MapClass Class, string Text)> classes, string title, string remark)
    {
        var unit = Math.Max(1, width / 1000.0);
        var (inner, height) = (width / unit, (LineHeight * (classes.Count + (remark.Length > 0 ? 2 : 1))) + Margin);
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{Math.Round(height * unit)}' viewBox='0 0 {inner} {height}'>");
        text.Append("<rect width='100%' height='100%' fill='white'/>");
        Line(0, Margin, SizeOfTitle, "font-weight='bold' fill='#222'", title);
        foreach (var (line, (known, said)) in classes.Index())
        {
            var y = (LineHeight * (line + 1)) + (LineHeight / 2) - (SwatchSide / 2) + (Margin / 4);
            var colour = $"rgb({known.Red},{known.Green},{known.Blue})";
            text.Append(
                CultureInfo.InvariantCulture,
                $"<rect x='{Margin}' y='{y}' width='{SwatchSide}' height='{SwatchSide}' rx='2' fill='{colour}'/>");
            Line(line + 1, Margin + SwatchSide + 10, SizeOfNames, "fill='#222'", said);
        }

        if (remark.Length > 0)
            Line(classes.Count + 1, Margin, SizeOfRemark, "fill='#555'", remark);
        return text.Append("</svg>").ToString();

        void Line(int line, int x, int size, string style, string said)
        {
            var shown = Legend.Shorten(said, (inner - x - Margin) / (size * Legend.LetterWidth));
            var y = (LineHeight * line) + (LineHeight / 2) + (size / 3) + (Margin / 4);
            text.Append(
                CultureInfo.InvariantCulture,
                $"<text x='{x}' y='{y}' {Legend.Font} font-size='{size}' {style}>{SecurityElement.Escape(shown)}</text>");
        }
    }
}
