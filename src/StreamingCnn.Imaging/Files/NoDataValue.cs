using System.Globalization;

namespace StreamingCnn.Imaging;

/// <summary>The value that says that nothing was measured, as text in files and on command lines: a number, or <c>nan</c>.</summary>
public static class NoDataValue
{
    /// <summary>Reads such a text.</summary>
    /// <returns>The value; null where the text is none.</returns>
    public static double? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var trimmed = text.Trim().Trim('\0').Trim();
        if (trimmed.TrimStart('-', '+').Equals("nan", StringComparison.OrdinalIgnoreCase))
            return double.NaN;
        if (trimmed.TrimStart('-', '+').ToLowerInvariant() is "inf" or "infinity" or "1.#inf")
            return trimmed[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
        if (!double.TryParse(trimmed, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
            return null;
        // The greatest number of 64 bits with fewer digits reads as infinity.
        return double.IsInfinity(value) ? Math.CopySign(double.MaxValue, value) : value;
    }
}
