using System.Globalization;
using System.Text.Json;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Imaging.Tiles;
using StreamingCnn.Training.Saliency;

namespace StreamingCnn.Cli.Viewing;

/// <summary>
/// What the page is told of its images, as scripts that call its functions: data that a page fetches could not be read where it is opened
/// from a disk.
/// </summary>
internal static class PageText
{
    private const int Digits = 2;
    private const int LegendSteps = 17;

    /// <summary>All images: <c>scene.js</c>.</summary>
    /// <param name="files">The images.</param>
    /// <param name="isLive">Whether a server cuts the tiles.</param>
    public static byte[] Scene(IReadOnlyList<ViewedFile> files, bool isLive) => Call("showScene", json =>
    {
        json.WriteStartObject();
        json.WriteBoolean("live", isLive);
        json.WriteStartArray("images");
        foreach (var file in files)
            json.WriteStringValue(Path.GetFileName(file.Path));
        json.WriteEndArray();
        json.WriteStartArray("heat");
        foreach (var colour in Overlay.Colours(LegendSteps).Chunk(4))
            json.WriteStringValue(string.Create(CultureInfo.InvariantCulture, $"rgba({colour[0]}, {colour[1]}, {colour[2]}, {colour[3] / 255.0:0.###})"));
        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>One image: <c>images/0/image.js</c>.</summary>
    public static byte[] Image(int number, OpenedImage image) => Call("showImage", json =>
    {
        var info = image.File.Info;
        json.WriteStartObject();
        json.WriteNumber("number", number);
        json.WriteString("name", Path.GetFileName(info.Path));
        json.WriteNumber("height", info.Height);
        json.WriteNumber("width", info.Width);
        json.WriteString("remark", image.Layers[0].Remark);
        json.WriteBoolean("whole", image.Layers.All(layer => layer.Share >= 1));
        if ((info.MicrometresPerPixel ?? image.File.MicrometresPerPixel) is { } across)
        {
            json.WriteNumber("across", across);
            json.WriteNumber("down", info.MicrometresPerPixelDown ?? across);
        }

        if (info.GeoReference is { IsAffine: true } ground)
            WritePlace(json, ground);
        json.WriteStartArray("layers");
        foreach (var layer in image.Layers)
            WriteLayer(json, layer);
        json.WriteEndArray();
        json.WriteStartArray("overlays");
        foreach (var overlay in image.Overlays)
            WriteOverlay(json, image, overlay);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    /// <summary>Shapes over an image: <c>images/0/shapes/1.js</c>.</summary>
    /// <param name="number">The image.</param>
    /// <param name="overlay">Their place among its overlays.</param>
    /// <param name="image">The image.</param>
    public static byte[] Shapes(int number, int overlay, OpenedImage image) => Call("showShapes", json =>
    {
        var viewed = image.Overlays[overlay];
        var classes = viewed.ClassesOf(image).Index().ToDictionary(one => one.Item, one => one.Index);
        json.WriteStartObject();
        json.WriteNumber("image", number);
        json.WriteNumber("overlay", overlay);
        json.WriteStartArray("shapes");
        foreach (var shape in viewed.Shapes!)
        {
            json.WriteStartArray();
            json.WriteNumberValue(classes[shape.Class]);
            json.WriteStringValue(shape.Name);
            foreach (var ring in shape.Rings)
            {
                json.WriteStartArray();
                foreach (var (x, y) in ring)
                {
                    json.WriteNumberValue(Math.Round(x, Digits));
                    json.WriteNumberValue(Math.Round(y, Digits));
                }

                json.WriteEndArray();
            }

            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    // Signs of HTML and ends of lines are escaped, so a name cannot end the script.
    private static byte[] Call(string function, Action<Utf8JsonWriter> write)
    {
        using var text = new MemoryStream();
        text.Write(System.Text.Encoding.ASCII.GetBytes($"{function}("));
        using (var json = new Utf8JsonWriter(text))
            write(json);
        text.Write(");\n"u8);
        return text.ToArray();
    }

    private static void WritePlace(Utf8JsonWriter json, GeoReference ground)
    {
        var ((x, y), (right, up), (down, below)) = (ground.ToMap(0, 0), ground.ToMap(1, 0), ground.ToMap(0, 1));
        json.WriteStartArray("place");
        foreach (var part in (double[])[right - x, down - x, x, up - y, below - y, y])
            json.WriteNumberValue(part);
        json.WriteEndArray();
        if (ground.Epsg is { } epsg)
            json.WriteNumber("epsg", epsg);
    }

    private static void WriteLayer(Utf8JsonWriter json, TileLayer layer)
    {
        json.WriteStartObject();
        json.WriteNumber("height", layer.Grid.Height);
        json.WriteNumber("width", layer.Grid.Width);
        json.WriteNumber("side", layer.Grid.Side);
        json.WriteNumber("top", layer.Grid.Top);
        json.WriteNumber("scale", layer.Scale);
        json.WriteString("ending", layer.Ending);
        json.WriteEndObject();
    }

    private static void WriteOverlay(Utf8JsonWriter json, OpenedImage image, ViewedOverlay overlay)
    {
        json.WriteStartObject();
        json.WriteString("name", overlay.Name);
        json.WriteString("kind", overlay.Kind.ToString().ToLowerInvariant());
        if (overlay.Layer is { } layer)
        {
            json.WriteNumber("layer", layer);
            if (image.Layers[layer].Limit is { } limit)
                json.WriteNumber("limit", limit);
        }

        json.WriteStartArray("classes");
        foreach (var known in overlay.ClassesOf(image))
        {
            json.WriteStartObject();
            json.WriteString("name", known.Name);
            json.WriteString("colour", string.Create(CultureInfo.InvariantCulture, $"rgb({known.Red}, {known.Green}, {known.Blue})"));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
