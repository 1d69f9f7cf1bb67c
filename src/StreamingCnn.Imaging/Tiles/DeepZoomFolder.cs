using System.Globalization;
using System.Text;

namespace StreamingCnn.Imaging.Tiles;

/// <summary>
/// Tiles of an image as files in the layout of Deep Zoom, which many viewers read and libvips' <c>dzsave</c> writes: <c>NAME.dzi</c>, and
/// beside it a folder <c>NAME_files</c> with a folder for each level and a file for each tile.
/// </summary>
public static class DeepZoomFolder
{
    /// <summary>Writes all tiles, and then the file that tells of them.</summary>
    /// <param name="layer">The image, or a map.</param>
    /// <param name="stem">Path of the files without their endings; the folder must be there.</param>
    /// <param name="progress">Is told of each tile.</param>
    /// <param name="cancellation">Ends it between two tiles; what was written until then stays.</param>
    /// <exception cref="ImageFormatException">The file cannot be read.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static void Write(TileLayer layer, string stem, Action? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(stem);
        var files = $"{stem}_files";
        for (var level = 0; level <= layer.Grid.Top; level++)
            Directory.CreateDirectory(Path.Combine(files, Number(level)));
        layer.EncodeAll(
            (place, bytes) =>
            {
                File.WriteAllBytes(Path.Combine(files, Number(place.Level), FileName(place, layer.Ending)), bytes);
                progress?.Invoke();
            },
            cancellation);
        File.WriteAllText($"{stem}.dzi", Description(layer), new UTF8Encoding(false));
    }

    /// <summary>Name of a tile's file in the folder of its level.</summary>
    /// <param name="place">The tile.</param>
    /// <param name="ending">Its ending, without the dot.</param>
    public static string FileName(TilePlace place, string ending) =>
        string.Create(CultureInfo.InvariantCulture, $"{place.Column}_{place.Row}.{ending}");

    /// <summary>What a file <c>NAME.dzi</c> says of a layer.</summary>
    public static string Description(TileLayer layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"""
            <?xml version="1.0" encoding="utf-8"?>
            <Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="{layer.Ending}" Overlap="0" TileSize="{layer.Grid.Side}">
              <Size Width="{layer.Grid.Width}" Height="{layer.Grid.Height}"/>
            </Image>

            """);
    }

    private static string Number(int level) => level.ToString(CultureInfo.InvariantCulture);
}
