using System.Globalization;

namespace StreamingCnn.Cli.Input;

/// <summary>
/// Numbers as people write them on a command line, with a sentence that tells what is no number from what is out of
/// range.
/// </summary>
internal static class NumberText
{
    /// <summary>Reads a number with a point.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="name">The option.</param>
    /// <param name="isAllowed">Its range.</param>
    /// <param name="allowed">The range in words, to follow "write one".</param>
    /// <exception cref="FormatException">It is no number, or out of range.</exception>
    public static double Real(string text, string name, Func<double, bool> isAllowed, string allowed)
    {
        if (!TryParse(text, out var value))
        {
            throw new FormatException(text.Contains(',', StringComparison.Ordinal) && TryParse(text.Replace(',', '.'), out _)
                ? $"'{text}' is not a number; decimals are written with a point: {name} {text.Replace(',', '.')}."
                : $"'{text}' is not a number; {name} takes one {allowed}.");
        }

        return isAllowed(value) ? value : throw new FormatException($"{text} is out of range for {name}; write one {allowed}.");
    }

    /// <summary>Reads a whole number.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="name">The option.</param>
    /// <param name="smallest">The smallest allowed.</param>
    /// <param name="largest">The largest allowed.</param>
    /// <exception cref="FormatException">It is no whole number, or out of range.</exception>
    public static int Whole(string text, string name, int smallest, int largest = int.MaxValue)
    {
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite;
        if (int.TryParse(text, Style, CultureInfo.InvariantCulture, out var value)
            && value >= smallest && value <= largest)
        {
            return value;
        }

        var allowed = largest < int.MaxValue ? $"from {smallest} to {largest}" : $"of at least {smallest}";
        throw new FormatException(
            !TryParse(text, out var number) ? $"'{text}' is not a number; {name} takes a whole one {allowed}."
            : double.IsFinite(number) && number != Math.Truncate(number) ? $"{text} is not a whole number; {name} takes one {allowed}."
            : number > int.MaxValue ? $"{text} is out of range for {name}; write a whole number from {smallest} to {largest}."
            : $"{text} is out of range for {name}; write a whole number {allowed}.");
    }

    /// <summary>Reads a number with a point. A comma is no part of it: 0,001 would be read as 1, by its groups of three digits.</summary>
    public static bool TryParse(string text, out double value) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
}
