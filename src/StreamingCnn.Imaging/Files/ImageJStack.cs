using System.Globalization;

namespace StreamingCnn.Imaging;

/// <summary>What ImageJ writes into the description of a stack's first page: lines of a name, an equals sign and a value.</summary>
internal sealed class ImageJStack
{
    private readonly Dictionary<string, string> values;

    private ImageJStack(string description) =>
        values = description.Split('\n', StringSplitOptions.TrimEntries)
            .Select(line => line.Split('=', 2)).Where(parts => parts.Length == 2)
            .GroupBy(parts => parts[0]).ToDictionary(group => group.Key, group => group.First()[1]);

    public int Images => Whole("images");

    public int Channels => Whole("channels");

    public int Slices => Whole("slices");

    public int Frames => Whole("frames");

    /// <summary>Micrometres in the unit that the resolution tags count in; null where it is no length.</summary>
    public double? Unit => values.TryGetValue("unit", out var unit) ? LengthUnit.Micrometres(unit) : null;

    /// <summary>The stack that a description tells of, or null where ImageJ did not write it.</summary>
    public static ImageJStack? Read(string description) =>
        description.StartsWith("ImageJ=", StringComparison.Ordinal) ? new(description) : null;

    private int Whole(string name) =>
        values.TryGetValue(name, out var text)
            && int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) && value > 0 ? value : 1;
}
