using System.Globalization;

namespace StreamingCnn.Imaging.DataSets;

/// <summary>Numbers in a table.</summary>
internal static class TableNumber
{
    /// <summary>Reads a finite number.</summary>
    /// <param name="text">The field.</param>
    /// <param name="decimalComma">
    /// Whether a comma stands for the point, as in tables that semicolons separate. Elsewhere it is refused, or 0,5
    /// might be read as 5.
    /// </param>
    /// <param name="value">The number.</param>
    public static bool TryParse(string text, bool decimalComma, out double value)
    {
        text = text.Replace('\u2212', '-');
        if (decimalComma && text.Count(letter => letter == ',') == 1 && !text.Contains('.', StringComparison.Ordinal))
            text = text.Replace(',', '.');
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
    }

    /// <summary>The value of a truth value as spreadsheets and programs write it: TRUE, True, false; null for other texts.</summary>
    public static bool? Truth(string text) =>
        text.Equals("true", StringComparison.OrdinalIgnoreCase) ? true
        : text.Equals("false", StringComparison.OrdinalIgnoreCase) ? false
        : null;

    /// <summary>
    /// The resolution in a field, in micrometres per pixel; null where it is empty, or is none, which is added to the
    /// problems.
    /// </summary>
    public static double? Resolution(string text, bool decimalComma, int line, DataProblems problems)
    {
        if (text.Length == 0)
            return null;
        if (TryParse(text, decimalComma, out var value) && value > 0)
            return value;
        problems.Add(
            $"the resolution '{text}' is not a positive number; write micrometres per pixel such as 0.25, or leave it empty", line);
        return null;
    }
}
