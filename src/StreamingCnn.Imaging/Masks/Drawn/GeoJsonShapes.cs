using System.Globalization;
using System.Text;
using System.Text.Json;

namespace StreamingCnn.Imaging.Masks.Drawn;

/// <summary>
/// Polygons of a GeoJSON file (RFC 7946): a FeatureCollection, a list of features as older versions of QuPath write it, or one feature.
/// Coordinates are pixels of the image at full resolution, which is what QuPath means; or, where the file names a coordinate system with
/// the member <c>crs</c>, those of the image's map.
/// </summary>
internal sealed class GeoJsonShapes
{
    // Of the longitudes and latitudes that RFC 7946 takes for granted, by the name that GIS programs write.
    private const string LongitudeAndLatitude = "CRS84";
    private const int EpsgOfDegrees = 4326;

    private readonly string path;
    private readonly ImageInfo image;
    private readonly GeoReference? map;
    private readonly string? unnamed;
    private readonly List<Shape> shapes = [];

    private GeoJsonShapes(string path, ImageInfo image, JsonElement root, string? unnamed)
    {
        (this.path, this.image, this.unnamed) = (path, image, unnamed);
        map = System(root) is { } name ? Map(name) : null;
    }

    /// <summary>Reads the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="image">The image that the shapes lie on.</param>
    /// <param name="unnamed">The class of what has none; null to refuse that.</param>
    /// <exception cref="ImageFormatException">The file cannot be read, or a feature has no class or no area, or lies outside.</exception>
    public static IReadOnlyList<Shape> Read(string path, ImageInfo image, string? unnamed = null)
    {
        try
        {
            using var json = JsonDocument.Parse(TextOf(path));
            var reader = new GeoJsonShapes(path, image, json.RootElement, unnamed);
            foreach (var (number, feature) in reader.Features(json.RootElement).Index())
                reader.Add(feature, $"feature {number + 1}");
            return reader.shapes;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ImageFormatException.Unreadable(path, error);
        }
        catch (JsonException error)
        {
            throw new ImageFormatException(
                path, $"it is no JSON: {error.Message.Split(". ", 2)[0].TrimEnd('.')}; export the polygons as GeoJSON again.", error);
        }
    }

    /// <summary>The file's bytes without the mark that programs of Windows put before them.</summary>
    private static ReadOnlyMemory<byte> TextOf(string path)
    {
        ReadOnlyMemory<byte> bytes = File.ReadAllBytes(path);
        return bytes.Span.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes;
    }

    private IEnumerable<JsonElement> Features(JsonElement root) => (root.ValueKind, Text(root, "type")) switch
    {
        (JsonValueKind.Array, _) => root.EnumerateArray(),
        (_, "FeatureCollection") when root.TryGetProperty("features", out var all) && all.ValueKind == JsonValueKind.Array =>
            all.EnumerateArray(),
        (_, "Feature") => [root],
        _ => throw new ImageFormatException(
            path, "it is no GeoJSON of features; export polygons with their classes as a FeatureCollection."),
    };

    private void Add(JsonElement feature, string place)
    {
        if (feature.ValueKind != JsonValueKind.Object || !feature.TryGetProperty("geometry", out var geometry)
            || geometry.ValueKind != JsonValueKind.Object)
        {
            throw new ImageFormatException(path, $"{place} has no geometry; give it a polygon, or take it out.");
        }

        var name = Class(feature) ?? unnamed
            ?? throw new ImageFormatException(
                path, $"{place} has no class; give it one in QuPath, or a property 'class', or take it out.");
        Add(geometry, new Shape(name, [], place) { Name = OwnName(feature), Colour = Colour(feature) });
    }

    private void Add(JsonElement geometry, Shape known)
    {
        var (kind, place) = (Text(geometry, "type"), known.Place);
        if (kind == "GeometryCollection" && geometry.TryGetProperty("geometries", out var parts))
        {
            foreach (var part in List(parts, place))
                Add(part, known);
            return;
        }

        if (kind is not ("Polygon" or "MultiPolygon") || !geometry.TryGetProperty("coordinates", out var coordinates))
        {
            throw new ImageFormatException(
                path, $"{place} is a {kind ?? "thing without a type"}, which has no area; give polygons alone.");
        }

        JsonElement[] polygons = kind == "Polygon" ? [coordinates] : [.. List(coordinates, place)];
        foreach (var polygon in polygons)
        {
            var shape = known with { Rings = [.. List(polygon, place).Select(ring => Ring(ring, place))] };
            if (shape.Rings.Count == 0)
                throw new ImageFormatException(path, $"{place} is a polygon without a corner; take it out.");
            // A map of a whole region has shapes beside the image; a drawing on the image has not.
            shapes.Add(map is null ? ShapePlace.OnImage(shape, path, image) : shape);
        }
    }

    private (double X, double Y)[] Ring(JsonElement ring, string place)
    {
        var corners = List(ring, place).Select(corner => Corner(corner, place)).ToArray();
        return corners.Length < 4 || corners[0] != corners[^1]
            ? throw new ImageFormatException(
                path, $"{place} has a ring of {corners.Length} positions that does not end where it begins, or has no area; draw it again.")
            : corners[..^1];
    }

    private (double X, double Y) Corner(JsonElement corner, string place)
    {
        if (corner.ValueKind != JsonValueKind.Array || corner.GetArrayLength() < 2
            || corner[0].ValueKind != JsonValueKind.Number || corner[1].ValueKind != JsonValueKind.Number)
        {
            throw NoCoordinates(place);
        }

        var (x, y) = (corner[0].GetDouble(), corner[1].GetDouble());
        if (map is not null)
            (x, y) = map.ToPixel(x, y);
        return double.IsFinite(x) && double.IsFinite(y) ? (x, y) : throw NoCoordinates(place);
    }

    private JsonElement.ArrayEnumerator List(JsonElement element, string place) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : throw NoCoordinates(place);

    private ImageFormatException NoCoordinates(string place) =>
        new(path, $"the coordinates of {place} are no lists of numbers as GeoJSON has them; export it again.");

    /// <summary>The class as QuPath writes it, in its newer and older form, or as a property of that name.</summary>
    private static string? Class(JsonElement feature)
    {
        if (!feature.TryGetProperty("properties", out var properties) || properties.ValueKind != JsonValueKind.Object)
            return null;
        var name = properties.TryGetProperty("classification", out var given) ? Name(given) : Text(properties, "class");
        return string.IsNullOrWhiteSpace(name) ? null : name.Trim();

        static string? Name(JsonElement classification) => classification.ValueKind switch
        {
            JsonValueKind.String => classification.GetString(),
            JsonValueKind.Object when classification.TryGetProperty("names", out var names) && names.ValueKind == JsonValueKind.Array =>
                string.Join(": ", names.EnumerateArray().Select(one => one.ToString())),
            JsonValueKind.Object => Text(classification, "name"),
            _ => null,
        };
    }

    /// <summary>What QuPath calls the feature itself.</summary>
    private static string OwnName(JsonElement feature) =>
        feature.TryGetProperty("properties", out var properties) ? Text(properties, "name") ?? "" : "";

    /// <summary>The colour of the class as QuPath writes it: three numbers, or in older files one of all bits.</summary>
    private static (byte Red, byte Green, byte Blue)? Colour(JsonElement feature)
    {
        if (!feature.TryGetProperty("properties", out var properties) || properties.ValueKind != JsonValueKind.Object
            || !properties.TryGetProperty("classification", out var known) || known.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        if (known.TryGetProperty("color", out var parts) && parts.ValueKind == JsonValueKind.Array && parts.GetArrayLength() == 3
            && parts.EnumerateArray().All(part => part.ValueKind == JsonValueKind.Number && part.TryGetByte(out _)))
        {
            return (parts[0].GetByte(), parts[1].GetByte(), parts[2].GetByte());
        }

        return known.TryGetProperty("colorRGB", out var packed) && packed.ValueKind == JsonValueKind.Number && packed.TryGetInt32(out var bits)
            ? ((byte)(bits >> 16), (byte)(bits >> 8), (byte)bits)
            : null;
    }

    private static string? System(JsonElement root) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty("crs", out var crs) && crs.ValueKind == JsonValueKind.Object
        && crs.TryGetProperty("properties", out var properties)
            ? Text(properties, "name") ?? ""
            : null;

    /// <summary>The image's place on the map that the file names.</summary>
    private GeoReference Map(string name)
    {
        var digits = name[(name.LastIndexOf(':') + 1)..];
        var epsg = digits == LongitudeAndLatitude ? EpsgOfDegrees
            : int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : 0;
        if (image.GeoReference is not { IsAffine: true } reference)
        {
            throw new ImageFormatException(
                path, $"its coordinates are of '{name}', but where its image lies on the ground is not known; export pixels of the image.");
        }

        return reference.Epsg == epsg
            ? reference
            : throw new ImageFormatException(
                path,
                $"its coordinates are of '{name}', but its image is of {(reference.Epsg is { } own ? $"EPSG:{own}" : "a map without a number")}; export it in the image's system.");
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
