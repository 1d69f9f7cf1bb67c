using System.Globalization;
using System.Text.RegularExpressions;

namespace StreamingCnn.Cli.Input;

/// <summary>Sizes in pixels, height before width: 1000x700, or 4096 for a square.</summary>
internal static partial class PixelSize
{
    /// <summary>Reads a size.</summary>
    /// <exception cref="FormatException">The text is no size of at least 1 x 1.</exception>
    public static (int Height, int Width) Parse(string text)
    {
        var match = Pattern().Match(text);
        if (!match.Success
            || !int.TryParse(match.Groups[1].Value, CultureInfo.InvariantCulture, out var height)
            || !int.TryParse(
                match.Groups[2].Success ? match.Groups[2].Value : match.Groups[1].Value, CultureInfo.InvariantCulture, out var width)
            || height < 1
            || width < 1)
            throw new FormatException($"'{text}' is not a size in pixels; write HEIGHTxWIDTH or one number for a square, each at least 1, such as 1000x700 or 512.");
        return (height, width);
    }

    [GeneratedRegex(@"^\s*(\d+)(?:\s*[x×,]\s*(\d+))?\s*$")]
    private static partial Regex Pattern();
}
