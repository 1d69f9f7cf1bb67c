namespace StreamingCnn.Interop.Weights;

/// <summary>Text from a file as a message may show it: short, and in one line.</summary>
public static class Excerpt
{
    private const int Longest = 120;

    /// <summary>The first 120 characters of a text, without those that steer a terminal.</summary>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var shown = text.Length <= Longest ? text : text[..Longest] + "…";
        return shown.Any(char.IsControl) ? string.Concat(shown.Select(c => char.IsControl(c) ? '?' : c)) : shown;
    }

    /// <summary>The first of several numbers, such as a shape.</summary>
    internal static string Of(IReadOnlyList<long> numbers) => Of(string.Join(", ", numbers.Take(Longest)));
}
