using ScottPlot;
using SkiaSharp;

namespace StreamingCnn.Experiments;

/// <summary>
/// Plots below each other in one PNG file. ScottPlot's own Multiplot draws all but the first outside of the picture when plots are scaled.
/// </summary>
internal static class StackedFigure
{
    /// <summary>Draws the plots, the first on top.</summary>
    /// <param name="path">The file.</param>
    /// <param name="width">Width of the figure, before scaling.</param>
    /// <param name="height">Height of each plot, before scaling.</param>
    /// <param name="plots">The plots.</param>
    public static void Write(string path, int width, int height, params IReadOnlyList<Plot> plots)
    {
        var (columns, rows) = (width * FigureStyle.Scale, height * FigureStyle.Scale);
        using var surface = SKSurface.Create(new SKImageInfo(columns, rows * plots.Count));
        foreach (var (i, plot) in plots.Index())
        {
            using var picture = SKImage.FromEncodedData(plot.GetImage(columns, rows).GetImageBytes());
            surface.Canvas.DrawImage(picture, 0, i * rows);
        }

        using var figure = surface.Snapshot();
        using var data = figure.Encode(SKEncodedImageFormat.Png, quality: 100);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        File.WriteAllBytes(path, data.ToArray());
    }
}
