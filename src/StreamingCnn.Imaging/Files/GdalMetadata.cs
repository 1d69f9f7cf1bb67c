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
    public static string? NameOf(string xml, int band)
    {
        if (xml.Length == 0)
            return null;
        try
        {
            using var reader = XmlReader.Create(new StringReader(xml.Trim()), new() { DtdProcessing = DtdProcessing.Prohibit });
            return XDocument.Load(reader).Descendants("Item")
                .Where(item => (string?)item.Attribute("sample") == $"{band}"
                    && ((string?)item.Attribute("role"))?.ToLowerInvariant() is "colorinterp" or "description")
                .Select(item => item.Value.Trim()).FirstOrDefault(name => !Empty.Contains(name.ToLowerInvariant()));
        }
        catch (XmlException)
        {
            return null;
        }
    }

    /// <summary>Whether a name of a band is one of opacity.</summary>
    public static bool IsOpacity(string name) =>
        name.Contains("alpha", StringComparison.OrdinalIgnoreCase)
        || name.Contains("opacity", StringComparison.OrdinalIgnoreCase)
        || name.Contains("mask", StringComparison.OrdinalIgnoreCase);
}
