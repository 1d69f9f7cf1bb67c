using System.Globalization;
using System.Security;
using System.Text;
using NetVips;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>The strip below an overlay: what it explains, how it was made, and what the colours mean. Drawn by libvips from SVG.</summary>
internal static class Legend
{
    private const int BarWidth = 240;

    // Of the size of the font, on average.
    internal const double LetterWidth = 0.6;
    internal const string Font = "font-family='DejaVu Sans, Liberation Sans, Arial, sans-serif'";

    /// <summary>Draws the strip.</summary>
    /// <returns>[3, height, width], uint8.</returns>
    public static Tensor Draw(int width, string title, string name, string remark, double limit, double percentile, string shownAs = "")
    {
        // Strips of wide pictures are drawn larger: they are looked at from further away.
        var unit = Math.Max(1, width / 1000.0);
        var (inner, height) = (width / unit, shownAs.Length > 0 ? 118 : 96);
        var bar = inner - BarWidth - 20;
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{Math.Round(height * unit)}' viewBox='0 0 {inner} {height}'>");
        text.Append("<defs><linearGradient id='heat'>");
        for (var i = 0; i < ColourScale.Stops.Length; i++)
        {
            var stop = ColourScale.Stops[i];
            text.Append(
                CultureInfo.InvariantCulture,
                $"<stop offset='{(double)i / (ColourScale.Stops.Length - 1)}' stop-color='rgb({stop[0]},{stop[1]},{stop[2]})'/>");
        }

        text.Append("</linearGradient></defs><rect width='100%' height='100%' fill='white'/>");
        // The last line runs below the bar.
        foreach (var (y, size, room, style, line) in new[]
        {
            (32, 19, bar - 40, "font-weight='bold' fill='#222'", title), (56, 14, bar - 40, "fill='#222'", name), (
                82, 13, inner - 40, "fill='#555'", remark), (104, 13, inner - 40, "fill='#555'", shownAs),
        })
        {
            var shown = Shorten(line, room / (size * LetterWidth));
            text.Append(
                CultureInfo.InvariantCulture,
                $"<text x='20' y='{y}' {Font} font-size='{size}' {style}>{SecurityElement.Escape(shown)}</text>");
        }

        text.Append(CultureInfo.InvariantCulture, $"<rect x='{bar}' y='22' width='{BarWidth}' height='16' rx='2' fill='url(#heat)'/>");
        var most = percentile < 100 ? $"≥ {Number(limit)}" : Number(limit);
        foreach (var (share, anchor, label) in new[] { (0.0, "start", Number(limit / 2)), (0.5, "middle", Number(limit * 0.75)), (1.0, "end", most) })
        {
            var x = bar + (share * BarWidth);
            text.Append(CultureInfo.InvariantCulture, $"<line x1='{x}' x2='{x}' y1='38' y2='43' stroke='#555'/>");
            text.Append(
                CultureInfo.InvariantCulture,
                $"<text x='{x}' y='58' text-anchor='{anchor}' {Font} font-size='12' fill='#555'>{SecurityElement.Escape(label)}</text>");
        }

        text.Append("</svg>");
        return Render(text.ToString());
    }

    /// <summary>A text of at most so many letters: its beginning and its end.</summary>
    internal static string Shorten(string text, double most)
    {
        var half = Math.Max(1, ((int)most - 1) / 2);
        return text.Length <= most ? text : $"{text[..half]}…{text[^half..]}";
    }

    internal static Tensor Render(string svg)
    {
        using var drawn = Image.SvgloadBuffer(Encoding.UTF8.GetBytes(svg));
        using var opaque = drawn.Flatten(background: [255]);
        using var colours = opaque.Bands == 3 ? opaque.Copy() : opaque.Colourspace(Enums.Interpretation.Srgb);
        var bytes = colours.WriteToMemory<byte>();
        using var scope = NewDisposeScope();
        return tensor(bytes, [colours.Height, colours.Width, 3]).permute(2, 0, 1).contiguous().MoveToOuterDisposeScope();
    }

    private static string Number(double value) => value.ToString("G3", CultureInfo.InvariantCulture);
}
