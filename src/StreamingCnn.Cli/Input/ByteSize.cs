using System.Globalization;
using System.Text.RegularExpressions;

namespace StreamingCnn.Cli.Input;

/// <summary>Amounts of memory as people write them: 512MiB, 4GiB, 2GB, 800000000.</summary>
internal static partial class ByteSize
{
    /// <summary>Reads an amount.</summary>
    /// <exception cref="FormatException">The text is no amount above 0.</exception>
    public static long Parse(string text)
    {
        var match = Pattern().Match(text);
        if (!match.Success)
            throw new FormatException(
                $"'{text}' is not an amount of memory; write a positive number with a unit, such as 512MiB, 4GiB or 2GB.");
        var unit = match.Groups[2].Value.ToUpperInvariant();
        var factor = unit.Length == 0 || unit == "B"
            ? 1
            : Math.Pow(unit.Contains('I', StringComparison.Ordinal) ? 1024 : 1000, 1 + "KMGT".IndexOf(unit[0], StringComparison.Ordinal));
        var bytes = double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) * factor;
        if (bytes < 1)
            throw new FormatException($"'{text}' is too little memory; write at least 1 byte, such as 512MiB, 4GiB or 2GB.");
        return bytes < long.MaxValue
            ? (long)bytes
            : throw new FormatException($"'{text}' is more memory than any machine has; write an amount such as 512MiB, 4GiB or 2GB.");
    }

    [GeneratedRegex(@"^\s*(\d+(?:\.\d+)?)\s*((?:[kmgt]i?)?b?)\s*$", RegexOptions.IgnoreCase)]
    private static partial Regex Pattern();
}
