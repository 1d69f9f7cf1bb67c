using System.Globalization;
using System.Text.Json;

namespace StreamingCnn.Imaging.Maps;

/// <summary>
/// Coordinates of outlines in GeoJSON (RFC 7946): pixels of the image file at full resolution, which is what QuPath reads, or those of the
/// image's map, with the name of their system.
/// </summary>
public sealed class MapCoordinates
{
    private const int DecimalsOfPixels = 2;
    private const int DecimalsOfMaps = 9;

    private readonly MapPlace place;
    private readonly bool inMap;

    /// <summary>Creates the writer.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="place">Where the map lies in the image file.</param>
    /// <param name="inMap">Whether coordinates are those of the image's map (see <see cref="GeoReference"/>).</param>
    /// <exception cref="ArgumentException">The image's place on the ground is not known.</exception>
    public MapCoordinates(string path, MapPlace place, bool inMap)
    {
        ArgumentNullException.ThrowIfNull(place);
        if (inMap && place.GeoReference is not { IsAffine: true })
        {
            throw new ArgumentException(
                $"'{path}' cannot have coordinates of a map: the image has none; leave them out, and pixels are written.");
        }

        (this.place, this.inMap) = (place, inMap);
    }

    /// <summary>Writes which system the coordinates are of, where they are those of a map that says so.</summary>
    public void WriteSystem(Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(json);
        if (!inMap || place.GeoReference!.Epsg is not { } epsg)
            return;
        json.WriteStartObject("crs");
        json.WriteString("type", "name");
        json.WriteStartObject("properties");
        json.WriteString("name", string.Create(CultureInfo.InvariantCulture, $"urn:ogc:def:crs:EPSG::{epsg}"));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Writes a ring as an array of corners.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="count">Corners of the ring, the first one not repeated.</param>
    /// <param name="corner">Each of them, in pixels of the map, x to the right and y down.</param>
    public void WriteRing(Utf8JsonWriter json, int count, Func<int, (double X, double Y)> corner)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(corner);
        json.WriteStartArray();
        // GeoJSON closes a ring with its first corner. On most maps y points up, which turns rings the other way round.
        var isTurned = inMap && place.Turns;
        var decimals = inMap ? DecimalsOfMaps : DecimalsOfPixels;
        for (var i = 0; i <= count; i++)
        {
            var (x, y) = corner((isTurned ? count - i : i) % count);
            var (pixelX, pixelY) = place.InFile(x, y);
            var (first, second) = inMap ? place.GeoReference!.ToMap(pixelX, pixelY) : (pixelX, pixelY);
            json.WriteStartArray();
            json.WriteNumberValue(Math.Round(first, decimals));
            json.WriteNumberValue(Math.Round(second, decimals));
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }
}
