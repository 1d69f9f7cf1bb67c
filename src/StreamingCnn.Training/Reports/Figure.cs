using ScottPlot;
using SkiaSharp;

namespace StreamingCnn.Training.Reports;

/// <summary>A drawing that can be made for light and for dark paper.</summary>
/// <param name="Name">Name of its file, without an extension.</param>
/// <param name="Caption">What it shows, in a sentence.</param>
/// <param name="Draw">Draws it.</param>
internal sealed record Figure(string Name, string Caption, Action<Plot, FigureTheme> Draw)
{
    // Twice the pixels for screens that have them.
    private const int Scale = 2;
    private const float LeftSize = 62;
    private const float TitleSize = 14;
    private const int TitleLineHeight = 20;
    private const int CharacterWidth = 8;

    /// <summary>
    /// The first that this machine has; null for none. Left to itself, the library may take one with serifs, or a symbol font.
    /// </summary>
    public static string? FontFamily { get; } =
        ((string[])["Inter", "Segoe UI", "Helvetica Neue", "Arial", "Liberation Sans", "Noto Sans", "Open Sans", "DejaVu Sans"])
        .FirstOrDefault(SKFontManager.Default.FontFamilies.Contains);

    /// <summary>Width on paper, in pixels of 1/96 inch.</summary>
    public int Width { get; init; } = 520;

    /// <summary>Height on paper.</summary>
    public int Height { get; init; } = 340;

    /// <summary>Draws it.</summary>
    /// <param name="theme">Colours.</param>
    /// <param name="titled">Whether the caption stands above, as it must where nothing else tells what the picture shows.</param>
    public byte[] Png(FigureTheme theme, bool titled)
    {
        using var plot = new Plot { ScaleFactor = Scale };
        plot.FigureBackground.Color = theme.Background;
        plot.DataBackground.Color = theme.Background;
        plot.Axes.Color(theme.Text);
        plot.Grid.MajorLineColor = theme.Grid;
        plot.Axes.Right.FrameLineStyle.IsVisible = false;
        plot.Axes.Top.FrameLineStyle.IsVisible = false;
        plot.Legend.BackgroundColor = theme.Background.WithAlpha(0.8);
        plot.Legend.FontColor = theme.Text;
        plot.Legend.OutlineWidth = 0;
        plot.Legend.ShadowColor = Colors.Transparent;
        foreach (var axis in (IAxis[])[plot.Axes.Left, plot.Axes.Bottom])
        {
            axis.FrameLineStyle.Color = theme.Muted;
            axis.MajorTickStyle.Color = theme.Muted;
            axis.MinorTickStyle.Length = 0;
            axis.TickLabelStyle.FontSize = 12;
        }

        // The measured size leaves no space between the axis's label and its numbers.
        plot.Axes.Left.MinimumSize = LeftSize;
        Draw(plot, theme);
        // Draw sets the labels; only then do they have a style to change.
        plot.Axes.Left.Label.Bold = plot.Axes.Bottom.Label.Bold = false;
        plot.Axes.Left.Label.FontSize = plot.Axes.Bottom.Label.FontSize = 13;
        string[] title = titled ? [.. Lines(Caption, Width / CharacterWidth)] : [];
        if (titled)
        {
            plot.Title(string.Join('\n', title), TitleSize);
            plot.Axes.Title.Label.Bold = false;
            plot.Axes.Title.FullFigureCenter = true;
            plot.Axes.Title.Label.ForeColor = theme.Text;
        }

        if (FontFamily is not null)
            plot.Font.Set(FontFamily);
        return Encode(plot, Width * Scale, (Height + (title.Length * TitleLineHeight)) * Scale);
    }

    /// <summary>
    /// As PNG without a search for the best filter of each line: a drawing of flat areas is about as small without one, and the search
    /// takes longer than all that a report is made of besides.
    /// </summary>
    private static byte[] Encode(Plot plot, int width, int height)
    {
        using var surface = SKSurface.Create(new SKImageInfo(width, height));
        plot.Render(surface.Canvas, width, height);
        using var pixels = surface.PeekPixels();
        using var data = pixels.Encode(new SKPngEncoderOptions(SKPngEncoderFilterFlags.NoFilters, zLibLevel: 6))!;
        return data.ToArray();
    }

    /// <summary>A text in lines of so many characters, broken between words.</summary>
    private static IEnumerable<string> Lines(string text, int longest)
    {
        var line = "";
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > longest)
            {
                yield return line;
                line = "";
            }

            line = line.Length == 0 ? word : $"{line} {word}";
        }

        yield return line;
    }
}
