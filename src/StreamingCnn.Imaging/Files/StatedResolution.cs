using System.Globalization;
using System.Text.RegularExpressions;

namespace StreamingCnn.Imaging;

/// <summary>The size of a pixel that a TIFF states, and where it does.</summary>
/// <param name="Across">Micrometres along a row, or null.</param>
/// <param name="Down">Micrometres along a column, or null.</param>
/// <param name="Origin">Where it stands, or why nothing of use does; a phrase.</param>
internal readonly partial record struct StatedResolution(double? Across, double? Down, string Origin)
{
    // 72 or 96 dots per inch is what programs write when they know nothing.
    private const double LargestOfTags = 50;

    public static StatedResolution Of(TiffDirectory main, OmeMetadata? ome, ImageJStack? imageJ)
    {
        if (ome is not null && (ome.Across.Text.Length > 0 || ome.Down.Text.Length > 0))
        {
            var (across, down) = (ome.Across.Micrometres, ome.Down.Micrometres);
            var text = ome.Across.Text.Length > 0 ? ome.Across.Text : ome.Down.Text;
            return across is null && down is null
                ? new(null, null, $"not stated: the OME metadata give {text}, which is no length")
                : new(across ?? down, down ?? across, "OME metadata");
        }

        if (MicronsInDescription().Match(main.Description) is { Success: true } match
            && double.TryParse(match.Groups[1].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var stated) && stated > 0)
        {
            return new(stated, stated, "MPP in the description");
        }

        if (imageJ?.Unit is { } unit && (main.XResolution ?? main.YResolution) is > 0 and var perUnit)
            return new(
                unit / perUnit,
                unit / (main.YResolution is > 0 ? main.YResolution.Value : perUnit),
                "ImageJ's unit and the resolution tags");
        return (main.XResolution ?? main.YResolution) is > 0 and var perLength && main.ResolutionUnit is 2 or 3
            ? OfDots(perLength, main.YResolution, isOfInches: main.ResolutionUnit == 2, "resolution tags")
            : OfGround(main.PixelScale, "GeoTIFF");
    }

    /// <summary>The size of a pixel by dots of a length.</summary>
    /// <param name="across">Along a row, above 0.</param>
    /// <param name="down">Along a column; as across where there are none.</param>
    /// <param name="isOfInches">Whether the length is an inch; a centimetre otherwise.</param>
    /// <param name="where">Where they stand.</param>
    public static StatedResolution OfDots(double across, double? down, bool isOfInches, string where)
    {
        var (length, unit) = isOfInches ? (25400.0, "inch") : (10000, "centimetre");
        var (sizeAcross, sizeDown) = (length / across, length / (down is > 0 ? down.Value : across));
        return sizeAcross < LargestOfTags && sizeDown < LargestOfTags
            ? new(sizeAcross, sizeDown, where)
            : new(null, null, string.Create(
                CultureInfo.InvariantCulture, $"not stated: the {where} give {across:0.##} dots per {unit}, a printer's figure"));
    }

    /// <summary>What is said of an image whose pixels have a size on the ground alone.</summary>
    /// <param name="scale">Width and height of a pixel in units of the map; empty where they are not known.</param>
    /// <param name="where">Where they stand.</param>
    public static StatedResolution OfGround(IReadOnlyList<double> scale, string where) => new(
        null,
        null,
        scale is [> 0 and var x, > 0 and var y, ..]
            ? string.Create(
                CultureInfo.InvariantCulture, $"not stated in micrometres: a pixel is {x:0.######} x {y:0.######} units of the map ({where})")
            : "not stated");

    [GeneratedRegex(@"\bMPP\s*=\s*([0-9.]+(?:[eE][-+]?[0-9]+)?)")]
    private static partial Regex MicronsInDescription();
}
