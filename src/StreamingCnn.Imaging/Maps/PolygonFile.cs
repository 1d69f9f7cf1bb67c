using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Imaging.Maps;

/// <summary>
/// Regions of a map of classes as GeoJSON (RFC 7946), in the form that QuPath imports as annotations: a FeatureCollection of polygons with
/// names and colours of classes. Each region is written when it comes.
/// </summary>
public sealed class PolygonFile : IDisposable
{
    private const int DecimalsOfPixels = 2;

    // What waits in memory before it goes to the file.
    private const int PendingBytes = 1 << 16;

    private readonly string path;
    private readonly string part;
    private readonly FileStream file;
    private readonly Utf8JsonWriter json;
    private readonly IReadOnlyList<MapClass> classes;
    private readonly MapPlace place;
    private readonly MapCoordinates coordinates;
    private readonly long[] written = new long[MapClass.Most];
    private bool isComplete;

    /// <summary>Begins the file.</summary>
    /// <param name="path">The file. It appears complete or not at all.</param>
    /// <param name="classes">The classes.</param>
    /// <param name="place">Where the map lies in the image file.</param>
    /// <param name="inMap">
    /// Whether coordinates are those of the image's map (see <see cref="GeoReference"/>), rather than pixels of the image file at full
    /// resolution, which is what QuPath reads.
    /// </param>
    /// <exception cref="ArgumentException">The image's place on the ground is not known.</exception>
    /// <exception cref="IOException">The file cannot be made.</exception>
    public PolygonFile(string path, IReadOnlyList<MapClass> classes, MapPlace place, bool inMap = false)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(classes);
        ArgumentNullException.ThrowIfNull(place);
        coordinates = new(path, place, inMap);
        (this.path, this.classes, this.place) = (path, classes, place);
        part = AtomicFile.TemporaryName(path);
        try
        {
            file = new FileStream(part, FileMode.CreateNew);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Named(error);
        }

        json = new(file, new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("type", "FeatureCollection");
        coordinates.WriteSystem(json);
        json.WriteStartArray("features");
    }

    /// <summary>Regions of each class that have been written, by its number.</summary>
    public IReadOnlyList<long> Written => written;

    /// <summary>Writes a region.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(MapRegion region)
    {
        ArgumentNullException.ThrowIfNull(region);
        try
        {
            WriteFeature(region, ++written[region.Number]);
            if (json.BytesPending > PendingBytes)
                json.Flush();
        }
        catch (IOException error)
        {
            throw Named(error);
        }
    }

    /// <summary>Ends the file, and gives it its name.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Complete()
    {
        try
        {
            json.WriteEndArray();
            json.WriteEndObject();
            json.Dispose();
            file.Flush(flushToDisk: true);
            file.Dispose();
            File.Move(part, path, overwrite: true);
            isComplete = true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Named(error);
        }
    }

    /// <summary>Removes the file where it was not completed.</summary>
    public void Dispose()
    {
        if (isComplete)
            return;
        // What is still in the writer is of no use.
        json.Reset(Stream.Null);
        json.Dispose();
        file.Dispose();
        File.Delete(part);
    }

    private void WriteFeature(MapRegion region, long number)
    {
        var known = classes[region.Number];
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
        json.WriteString("name", string.Create(CultureInfo.InvariantCulture, $"{known.Name} {number}"));
        json.WriteStartObject("classification");
        json.WriteString("name", known.Name);
        json.WriteStartArray("color");
        json.WriteNumberValue(known.Red);
        json.WriteNumberValue(known.Green);
        json.WriteNumberValue(known.Blue);
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteBoolean("isLocked", false);
        json.WriteStartObject("measurements");
        json.WriteNumber("Area px^2", Math.Round(region.Area * place.Across * place.Down, DecimalsOfPixels));
        if (place.SquareMicrometres is { } square)
            json.WriteNumber("Area um^2", Math.Round(region.Area * square, DecimalsOfPixels));
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>The temporary name is not what was asked for.</summary>
    private IOException Named(Exception error)
    {
        var reason = error.Message.Replace(Path.GetFullPath(part), path, StringComparison.Ordinal).TrimEnd('.');
        return new($"'{path}' cannot be written: {reason}.", error);
    }
}
