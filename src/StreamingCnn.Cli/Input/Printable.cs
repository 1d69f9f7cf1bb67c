using System.Text;

namespace StreamingCnn.Cli.Input;

/// <summary>
/// Names of files and classes come from elsewhere, and a terminal obeys what is in them: colours, an emptied screen, a
/// forged line.
/// </summary>
internal static class Printable
{
    /// <summary>The text with control characters but ends of lines and tabs shown as <c>\u001B</c> and the like.</summary>
    public static string Of(string text)
    {
        if (!text.Any(IsObeyed))
            return text;
        var shown = new StringBuilder();
        foreach (var letter in text)
            _ = IsObeyed(letter) ? shown.Append($"\\u{(int)letter:X4}") : shown.Append(letter);
        return shown.ToString();
    }

    private static bool IsObeyed(char letter) => char.IsControl(letter) && letter is not ('\n' or '\r' or '\t');
}
