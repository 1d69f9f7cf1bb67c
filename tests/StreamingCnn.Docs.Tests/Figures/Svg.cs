using System.Globalization;
using System.Text;

namespace StreamingCnn.Docs.Tests.Figures;

/// <summary>A drawing that is written as SVG, the same bytes on every system.</summary>
internal sealed class Svg
{
    private readonly StringBuilder text = new();

    /// <param name="width">Width in pixels.</param>
    /// <param name="height">Height in pixels.</param>
    /// <param name="title">What the picture shows, for those who cannot see it.</param>
    public Svg(int width, int height, string title)
    {
        Line($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\">");
        Line($"<title>{Escaped(title)}</title>");
        Line($"<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0,0 L8,4 L0,8 z\" fill=\"#567\"/></marker></defs>");
        Line($"<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>");
    }

    public void Rectangle(double x, double y, double width, double height, string fill, string stroke, double opacity = 1) =>
        Line($"<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\" stroke=\"{stroke}\"{(opacity < 1 ? string.Create(CultureInfo.InvariantCulture, $" fill-opacity=\"{opacity}\"") : "")}/>");

    public void Frame(double x, double y, double width, double height, string stroke) =>
        Line($"<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"3\"/>");

    public void Arrow(double fromX, double fromY, double toX, double toY, string colour = "#567") =>
        Line($"<line x1=\"{fromX}\" y1=\"{fromY}\" x2=\"{toX}\" y2=\"{toY}\" stroke=\"{colour}\" stroke-width=\"1.2\" marker-end=\"url(#head)\"/>");

    public void Segment(double fromX, double fromY, double toX, double toY, string colour, double width = 1) =>
        Line($"<line x1=\"{fromX}\" y1=\"{fromY}\" x2=\"{toX}\" y2=\"{toY}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>");

    public void Text(double x, double y, string words, int size, bool bold = false, bool centred = false, string colour = "#222") =>
        Line($"<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{(bold ? " font-weight=\"bold\"" : "")}{(centred ? " text-anchor=\"middle\"" : "")} fill=\"{colour}\">{Escaped(words)}</text>");

    public override string ToString() => text + "</svg>\n";

    private void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string Escaped(string words) =>
        words.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
