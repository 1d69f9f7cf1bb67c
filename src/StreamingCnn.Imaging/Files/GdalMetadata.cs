using System.Xml;
using System.Xml.Linq;

namespace StreamingCnn.Imaging;

/// <summary>What GDAL writes about bands into its own tag of a TIFF.</summary>
internal static class GdalMetadata
{
    // What GDAL writes of bands of which it knows nothing.
    private static readonly string[] Empty = ["undefined", "gray", "grey", ""];

    /// <summary>What the metadata call a band, where that says something; null otherwise.</summary>
    /// <param name="xml">The tag's text.</param>
    /// <param name="band">Index of the band, from 0.</param>
    public static string? NameOf(string xml, int band) => NameOf(Items(xml), band, "colorinterp", "description");

    /// <summary>What the metadata call each band: its description, or else its colour.</summary>
    /// <param name="xml">The tag's text.</param>
    /// <param name="count">Bands of the file.</param>
    public static IReadOnlyList<string?> Names(string xml, int count)
    {
        var items = Items(xml);
        return items.Length == 0 ? [] :
        [
            .. Enumerable.Range(0, count).Select(band => NameOf(items, band, "description") ?? NameOf(items, band, "colorinterp")),
        ];
    }

    private static string? NameOf(XElement[] items, int band, params string[] roles) =>
        items.Where(item => (string?)item.Attribute("sample") == $"{band}"
                && roles.Contains(((string?)item.Attribute("role"))?.ToLowerInvariant()))
            .Select(item => item.Value.Trim()).FirstOrDefault(name => !Empty.Contains(name.ToLowerInvariant()));

    private static XElement[] Items(string xml)
    {
        if (xml.Length == 0)
            return [];
        try
        {
            using var reader = XmlReader.Create(new StringReader(xml.Trim()), new() { DtdProcessing = DtdProcessing.Prohibit });
            return [.. XDocument.Load(reader).Descendants("Item")];
        }
        catch (XmlException)
        {
            return [];
        }
    }

    /// <summary>The tag's text that gives each band its name.</summary>
    public static string Of(IReadOnlyList<string> names) => new XElement(
        "GDALMetadata",
        names.Select((name, band) => new XElement(
            "Item", new XAttribute("name", "DESCRIPTION"), new XAttribute("sample", band), new XAttribute("role", "description"), name)))
        .ToString(SaveOptions.DisableFormatting);

    /// <summary>Whether a name of a band is one of opacity.</summary>
    public static bool IsOpacity(string name) =>
        name.Contains("alpha", StringComparison.OrdinalIgnoreCase)
        || name.Contains("opacity", StringComparison.OrdinalIgnoreCase)
        || name.Contains("mask", StringComparison.OrdinalIgnoreCase);
}
