using System.Globalization;
using System.Text;
using System.Text.Json;
using StreamingCnn.Imaging.Tiles;

namespace StreamingCnn.Cli.Viewing;

/// <summary>What stands at an address of the page.</summary>
/// <param name="Type">Its media type.</param>
/// <param name="Bytes">Its bytes.</param>
internal sealed record PageContent(string Type, byte[] Bytes)
{
    private const string Script = "text/javascript; charset=utf-8";

    /// <summary>
    /// Finds what stands at an address. Addresses are numbers of images, layers and tiles, and names of the page's own files: none of them
    /// becomes the name of a file.
    /// </summary>
    /// <param name="gallery">The images.</param>
    /// <param name="path">The address behind the page's own, such as <c>images/0/0_files/9/0_0.jpg</c>; empty for the page.</param>
    /// <param name="cancellation">Ends the cutting of a tile.</param>
    /// <returns>Null where nothing stands there.</returns>
    /// <exception cref="Imaging.ImageFormatException">A file cannot be read.</exception>
    public static PageContent? Find(Gallery gallery, string path, CancellationToken cancellation)
    {
        switch (path.Split('/'))
        {
            case [""]:
                return Own(PageFiles.Index);
            case ["scene.js"]:
                return new(Script, PageText.Scene(gallery.Files, isLive: true));
            case [var name]:
                return Own(name);
            case ["images", var number, .. var rest] when Number(number) is { } image && image < gallery.Files.Count:
                return gallery.Use(image, opened => Of(opened, image, rest, cancellation));
            default:
                return null;
        }
    }

    private static PageContent? Of(OpenedImage image, int number, string[] path, CancellationToken cancellation)
    {
        switch (path)
        {
            case ["image.js"]:
                return new(Script, PageText.Image(number, image));
            case ["state.json"]:
                return new("application/json", JsonSerializer.SerializeToUtf8Bytes(image.Layers.Min(layer => layer.Share)));
            case ["shapes", var file] when Without(file, ".js") is { } place && Number(place) is { } overlay
                && overlay < image.Overlays.Count && image.Overlays[overlay].Shapes is not null:
                return new(Script, PageText.Shapes(number, overlay, image));
            case [var file] when Without(file, ".dzi") is { } place && Layer(image, place) is { } layer:
                return new("application/xml; charset=utf-8", Encoding.UTF8.GetBytes(DeepZoomFolder.Description(layer)));
            case [var folder, var level, var file] when Without(folder, "_files") is { } place && Layer(image, place) is { } layer
                && Without(file, $".{layer.Ending}") is { } tile && tile.Split('_') is [var column, var row]
                && Number(level) is { } z && Number(column) is { } x && Number(row) is { } y && layer.Grid.Contains(new(z, x, y)):
                return new(layer.Ending == "png" ? "image/png" : "image/jpeg", layer.Encode(new(z, x, y), cancellation));
            default:
                return null;
        }
    }

    private static PageContent? Own(string name) => PageFiles.Find(name) is { } bytes
        ? new(
            Path.GetExtension(name) switch
            {
                ".html" => "text/html; charset=utf-8",
                ".css" => "text/css; charset=utf-8",
                ".txt" => "text/plain; charset=utf-8",
                _ => Script,
            },
            bytes)
        : null;

    private static TileLayer? Layer(OpenedImage image, string place) =>
        Number(place) is { } number && number < image.Layers.Count ? image.Layers[number] : null;

    private static string? Without(string text, string ending) =>
        text.EndsWith(ending, StringComparison.Ordinal) ? text[..^ending.Length] : null;

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
