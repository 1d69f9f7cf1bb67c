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
        if ((main.XResolution ?? main.YResolution) is > 0 and var perLength && main.ResolutionUnit is 2 or 3)
        {
            var length = main.ResolutionUnit == 2 ? 25400.0 : 10000;
            var (across, down) = (length / perLength, length / (main.YResolution is > 0 ? main.YResolution.Value : perLength));
            var unitOfTags = main.ResolutionUnit == 2 ? "inch" : "centimetre";
            return across < LargestOfTags && down < LargestOfTags
                ? new(across, down, "resolution tags")
                : new(null, null, string.Create(
                    CultureInfo.InvariantCulture,
                    $"not stated: the resolution tags give {perLength:0.##} dots per {unitOfTags}, a printer's figure"));
        }

        return new(null, null, main.PixelScale is [> 0 and var x, > 0 and var y, ..]
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"not stated in micrometres: a pixel is {x:0.######} x {y:0.######} units of the map (GeoTIFF)")
            : "not stated");
    }

    [GeneratedRegex(@"\bMPP\s*=\s*([0-9.]+(?:[eE][-+]?[0-9]+)?)")]
    private static partial Regex MicronsInDescription();
}
