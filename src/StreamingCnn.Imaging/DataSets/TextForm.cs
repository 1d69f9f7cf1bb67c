using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace StreamingCnn.Imaging.DataSets;

/// <summary>One form for texts that look the same to a person: composed accents, plain spaces, no invisible characters.</summary>
internal static partial class TextForm
{
    /// <summary>Without spaces of any kind, visible or not, at both ends.</summary>
    public static string Trim(string text)
    {
        var (start, end) = (0, text.Length);
        while (start < end && IsSpace(text[start]))
            start++;
        while (end > start && IsSpace(text[end - 1]))
            end--;
        return text[start..end];
    }

    /// <summary>The text as it is compared and shown.</summary>
    public static string Clean(string text)
    {
        if (Ascii.IsValid(text) && !text.Contains("  ", StringComparison.Ordinal) && !text.Contains('\t', StringComparison.Ordinal))
            return text.Trim(' ');
        var plain = new StringBuilder(text.Length);
        foreach (var letter in Composition.Compose(text))
        {
            if (IsInvisible(letter))
                continue;
            if (!IsSpace(letter) || letter is '\r' or '\n')
                plain.Append(letter);
            else if (plain.Length > 0 && plain[^1] != ' ')
                plain.Append(' ');
        }

        return plain.ToString().Trim();
    }

    /// <summary>
    /// A key that texts share which a person may have meant as one: case, width, dashes, quotes, spaces and underscores
    /// make no difference.
    /// </summary>
    public static string LookAlike(string text)
    {
        var key = new StringBuilder(text.Length);
        foreach (var one in text.ToUpperInvariant().ToLowerInvariant())
        {
            // Letters of full width are those of ASCII.
            var letter = one is >= '\uff01' and <= '\uff5e' ? (char)(one - 0xfee0) : one;
            var kind = char.GetUnicodeCategory(letter);
            if (kind is UnicodeCategory.Format or UnicodeCategory.SpaceSeparator
                or UnicodeCategory.Control or UnicodeCategory.ConnectorPunctuation)
            {
                continue;
            }

            key.Append(kind == UnicodeCategory.DashPunctuation || letter == '\u2212' ? '-'
                : kind is UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation ? '\'' : letter);
        }

        return key.ToString();
    }

    /// <summary>Whether the text is what pandas, R, Excel or a database writes where a value is missing or could not be computed.</summary>
    public static bool IsMissing(string text) => Missing().IsMatch(text);

    private static bool IsSpace(char letter) => char.IsWhiteSpace(letter) || IsInvisible(letter);

    // Zero-width space, word joiner, byte order mark, soft hyphen and marks of direction. Joiners are part of words in some scripts.
    private static bool IsInvisible(char letter) =>
        letter is '\u200b' or '\u2060' or '\ufeff' or '\u00ad' or '\u200e' or '\u200f' or (>= '\u202a' and <= '\u202e');

    [GeneratedRegex(
        @"^(-?nan|<na>|n/?a|nat|null|none|-1\.#(ind|qnan)|1\.#(ind|qnan)|#n/?a( n/a)?|#nv|#[\p{L}/0]+[!?]|\\n|-+|\.|\?|–|—)$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Missing();
}
