using StreamingCnn.Imaging;

namespace StreamingCnn.Cli.Viewing;

/// <summary>What a file lays over an image.</summary>
internal enum OverlayKind
{
    /// <summary>A heatmap.</summary>
    Heat,

    /// <summary>A map of classes.</summary>
    Classes,

    /// <summary>Polygons or boxes.</summary>
    Shapes,
}

/// <summary>A file that lies over an image.</summary>
/// <param name="Path">The file.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="Name">What it is called on the page.</param>
internal sealed record OverlayFile(string Path, OverlayKind Kind, string Name)
{
    // What scnn predict and scnn saliency write, in the order of the page.
    private static readonly (string Ending, OverlayKind Kind)[] Written =
    [
        ("classes.tif", OverlayKind.Classes), ("probabilities.tif", OverlayKind.Heat), ("saliency.tif", OverlayKind.Heat),
        ("polygons.geojson", OverlayKind.Shapes), ("regions.geojson", OverlayKind.Shapes),
    ];

    /// <summary>A file that somebody named.</summary>
    public static OverlayFile Of(string path, OverlayKind kind) => new(path, kind, System.IO.Path.GetFileNameWithoutExtension(path));

    /// <summary>The files of an image in a folder that <c>scnn predict</c> or <c>scnn saliency</c> wrote into.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="image">The image's file.</param>
    public static IEnumerable<OverlayFile> In(string folder, string image)
    {
        foreach (var (ending, kind) in Written)
        {
            var path = System.IO.Path.Combine(folder, $"{System.IO.Path.GetFileNameWithoutExtension(image)}.{ending}");
            if (File.Exists(path))
                yield return new(path, kind, ending[..ending.IndexOf('.', StringComparison.Ordinal)]);
        }
    }
}

/// <summary>An image to look at.</summary>
/// <param name="Path">The file.</param>
/// <param name="Overlays">What lies over it.</param>
/// <param name="Options">How it is read.</param>
/// <param name="MicrometresPerPixel">Its resolution, where somebody says it; what the file says counts more.</param>
internal sealed record ViewedFile(string Path, IReadOnlyList<OverlayFile> Overlays, ImageOptions Options, double? MicrometresPerPixel)
{
    private ImageInfo? info;

    /// <summary>What its header says.</summary>
    /// <exception cref="ImageFormatException">The file cannot be read.</exception>
    public ImageInfo Info => info ??= ImageInfo.Read(Path, Options);
}
