using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Training.Saliency;

/// <summary>
/// Hot regions as GeoJSON (RFC 7946) in the form that QuPath imports as annotations: a FeatureCollection of polygons in pixels of the image
/// file at full resolution, or in coordinates of its map.
/// </summary>
public static class RegionFile
{
    /// <summary>Writes the file, in pixels of the image file.</summary>
    /// <param name="path">The file; replaced in one step.</param>
    /// <param name="regions">The regions, in the order in which they are numbered.</param>
    /// <param name="className">QuPath's class of the annotations: the output that the map explains.</param>
    /// <param name="scaleX">Pixels of the file for each pixel of the map, along a row.</param>
    /// <param name="scaleY">Pixels of the file for each pixel of the map, along a column.</param>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<HotRegion> regions, string className, double scaleX = 1, double scaleY = 1) =>
        Write(path, regions, className, new MapPlace(Across: scaleX, Down: scaleY));

    /// <summary>Writes the file.</summary>
    /// <param name="path">The file; replaced in one step.</param>
    /// <param name="regions">The regions, in the order in which they are numbered.</param>
    /// <param name="className">QuPath's class of the annotations: the output that the map explains.</param>
    /// <param name="place">Where the map lies in the image file.</param>
    /// <param name="inMap">Whether coordinates are those of the image's map, rather than pixels of the image file.</param>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    /// <exception cref="ArgumentException">The image's place on the ground is not known.</exception>
    public static void Write(
        string path, IReadOnlyList<HotRegion> regions, string className, MapPlace place, bool inMap = false)
    {
        ArgumentNullException.ThrowIfNull(regions);
        ArgumentNullException.ThrowIfNull(place);
        var coordinates = new MapCoordinates(path, place, inMap);
        AtomicFile.Write(path, file =>
        {
            using var json = new Utf8JsonWriter(file, new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
            json.WriteStartObject();
            json.WriteString("type", "FeatureCollection");
            coordinates.WriteSystem(json);
            json.WriteStartArray("features");
            for (var i = 0; i < regions.Count; i++)
                WriteFeature(json, regions[i], i + 1, className, place, coordinates);
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private static void WriteFeature(
        Utf8JsonWriter json, HotRegion region, int number, string className, MapPlace place, MapCoordinates coordinates)
    {
        json.WriteStartObject();
        json.WriteString("type", "Feature");
        json.WriteStartObject("geometry");
        json.WriteString("type", "Polygon");
        json.WriteStartArray("coordinates");
        foreach (var ring in region.Rings)
            coordinates.WriteRing(json, ring.Count, corner => ring[corner]);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteStartObject("properties");
        json.WriteString("objectType", "annotation");
        json.WriteString("name", string.Create(CultureInfo.InvariantCulture, $"hot region {number}"));
        json.WriteStartObject("classification");
        json.WriteString("name", className);
        json.WriteStartArray("color");
        foreach (var part in ColourScale.Hottest)
            json.WriteNumberValue(part);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteBoolean("isLocked", false);
        json.WriteStartObject("measurements");
        json.WriteNumber("Saliency max", region.Largest);
        json.WriteNumber("Saliency mean", region.Mean);
        json.WriteNumber("Area px^2", Math.Round(region.Area * place.Across * place.Down, 2));
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
