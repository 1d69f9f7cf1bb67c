using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace StreamingCnn.Imaging;

/// <summary>One image of an OME-TIFF as its XML describes it: sizes of its axes, where its planes lie, and the size of a pixel.</summary>
internal sealed class OmeMetadata
{
    private readonly Dictionary<(int Z, int Channel, int Time), int> planes = [];

    private OmeMetadata(XElement pixels, string? uuid, string fileName, int pages, int samplesPerPixel)
    {
        Depth = Whole(pixels, "SizeZ", 1);
        Times = Whole(pixels, "SizeT", 1);
        var stated = Children(pixels, "Channel").Count();
        Channels = stated > 0 ? stated : Math.Max(1, Whole(pixels, "SizeC", 1) / Math.Max(1, samplesPerPixel));
        ChannelNames = [.. Children(pixels, "Channel").Select(channel => (string?)channel.Attribute("Name"))];
        (Across, Down) = (new(pixels, 'X'), new(pixels, 'Y'));
        Place(pixels, uuid, fileName, pages);
    }

    /// <summary>Planes of channels; a plane of red, green and blue counts as one.</summary>
    public int Channels { get; }

    /// <summary>What each channel is called; null where the XML does not say.</summary>
    public IReadOnlyList<string?> ChannelNames { get; }

    public int Depth { get; }

    public int Times { get; }

    /// <summary>Width of a pixel.</summary>
    public OmeLength Across { get; }

    /// <summary>Height of a pixel.</summary>
    public OmeLength Down { get; }

    /// <summary>Whether the text is OME's XML.</summary>
    public static bool Is(string description) => description.Contains("<OME", StringComparison.Ordinal);

    /// <summary>Reads the description of a file's first page.</summary>
    /// <param name="description">The XML.</param>
    /// <param name="path">The file, whose name the XML may give for its planes.</param>
    /// <param name="pages">Pages of the file.</param>
    /// <param name="page">The page that is wanted; null for the first image.</param>
    /// <param name="samplesPerPixel">Samples of a pixel in a page.</param>
    /// <returns>The image that the page belongs to, or null where the XML is damaged or tells of no pixels.</returns>
    public static OmeMetadata? Read(string description, string path, int pages, int? page, int samplesPerPixel)
    {
        try
        {
            using var reader = XmlReader.Create(
                new StringReader(description.Trim().TrimStart('\uFEFF')), new() { DtdProcessing = DtdProcessing.Prohibit });
            var root = XDocument.Load(reader).Root!;
            var images = root.Descendants().Where(element => element.Name.LocalName == "Pixels")
                .Select(pixels => new OmeMetadata(pixels, (string?)root.Attribute("UUID"), Path.GetFileName(path), pages, samplesPerPixel))
                .ToList();
            return images.Find(image => page is { } wanted && image.planes.ContainsValue(wanted)) ?? images.FirstOrDefault();
        }
        catch (XmlException)
        {
            return null;
        }
    }

    /// <summary>The page of a plane, or null where it lies in another file or nowhere.</summary>
    public int? Page(int channel, int z = 0, int time = 0) => planes.TryGetValue((z, channel, time), out var page) ? page : null;

    private void Place(XElement pixels, string? uuid, string fileName, int pages)
    {
        var order = ((string?)pixels.Attribute("DimensionOrder") ?? "XYCZT").Replace("X", "").Replace("Y", "");
        var blocks = Children(pixels, "TiffData").ToList();
        if (blocks.Count == 0)
            PlaceBlock(order, (0, 0, 0), 0, pages, pages);
        foreach (var block in blocks)
        {
            // A file that was renamed keeps the old name in its XML, but its identifier goes with it.
            if (Children(block, "UUID").FirstOrDefault() is { } file
                && file.Value.Trim() != uuid
                && (string?)file.Attribute("FileName") != fileName)
            {
                continue;
            }

            var all = block.Attribute("IFD") is null && block.Attribute("PlaneCount") is null;
            var first = (Whole(block, "FirstZ", 0), Whole(block, "FirstC", 0), Whole(block, "FirstT", 0));
            PlaceBlock(order, first, Whole(block, "IFD", 0), all ? pages : Whole(block, "PlaneCount", 1), pages);
        }
    }

    private void PlaceBlock(string order, (int Z, int Channel, int Time) first, int page, int count, int pages)
    {
        var position = new Dictionary<char, int> { ['Z'] = first.Z, ['C'] = first.Channel, ['T'] = first.Time };
        var lengths = new Dictionary<char, int> { ['Z'] = Depth, ['C'] = Channels, ['T'] = Times };
        for (var i = 0; i < count && page >= 0 && page + i < pages; i++)
        {
            planes.TryAdd((position['Z'], position['C'], position['T']), page + i);
            foreach (var axis in order.Where(position.ContainsKey))
            {
                if (++position[axis] < lengths[axis])
                    break;
                position[axis] = 0;
            }
        }
    }

    private static IEnumerable<XElement> Children(XElement parent, string name) =>
        parent.Elements().Where(element => element.Name.LocalName == name);

    private static int Whole(XElement element, string name, int missing) =>
        int.TryParse((string?)element.Attribute(name), NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) ? value : missing;
}

/// <summary>A length as OME's XML states it.</summary>
internal readonly record struct OmeLength
{
    private readonly string? number;
    private readonly string unit;

    public OmeLength(XElement pixels, char axis)
    {
        number = (string?)pixels.Attribute($"PhysicalSize{axis}");
        unit = (string?)pixels.Attribute($"PhysicalSize{axis}Unit") ?? "\u00b5m";
    }

    /// <summary>The length in micrometres; null where none is stated, or none that is a length.</summary>
    public double? Micrometres => double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value > 0
        && LengthUnit.Micrometres(unit) is { } factor && double.IsFinite(value * factor) ? value * factor : null;

    /// <summary>What stands in the file, such as <c>1 pixel</c>; empty where nothing does.</summary>
    public string Text => number is null ? "" : $"{number} {unit}";
}
