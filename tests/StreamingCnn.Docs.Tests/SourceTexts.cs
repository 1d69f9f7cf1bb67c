using System.Text;

namespace StreamingCnn.Docs.Tests;

/// <summary>
/// The texts that stand in the sources of the projects, with <c>…</c> for every value that is filled in when the program runs. Texts that
/// are put together with a plus sign, or by a choice within a value, are found in their parts.
/// </summary>
internal sealed class SourceTexts
{
    /// <summary>What stands for a value.</summary>
    public const char Value = '…';

    private readonly HashSet<string> texts = [];

    public SourceTexts(IEnumerable<string> files)
    {
        foreach (var file in files)
            Read(File.ReadAllText(file));
    }

    public IReadOnlyCollection<string> All => texts;

    /// <summary>Whether a message, or what is left of it between values, stands in the sources in this order and in one text.</summary>
    public bool Contain(string message) => texts.Any(text => text.Contains(message, StringComparison.Ordinal));

    private void Read(string code)
    {
        for (var at = 0; at < code.Length; at++)
        {
            if (code[at] == '/' && at + 1 < code.Length && code[at + 1] == '/')
                at = End(code, at);
            else if (code[at] == '\'')
                at = Character(code, at);
            else if (code[at] == '"')
                at = Literal(
                    code, at, interpolated: at > 0
                        && (code[at - 1] == '$' || (code[at - 1] == '@' && at > 1 && code[at - 2] == '$')), verbatim: at > 0
                        && code[at - 1] == '@');
        }
    }

    private static int End(string code, int at) => code.IndexOf('\n', at) is >= 0 and var end ? end : code.Length;

    private static int Character(string code, int at) => code[at + 1] == '\\' ? code.IndexOf('\'', at + 3) : at + 2;

    /// <summary>Reads a text from its quotation mark on.</summary>
    /// <returns>The place of the closing mark.</returns>
    private int Literal(string code, int at, bool interpolated, bool verbatim)
    {
        if (string.CompareOrdinal(code, at, "\"\"\"", 0, 3) == 0)
            return code.IndexOf("\"\"\"", at + 3, StringComparison.Ordinal) + 2;
        var text = new StringBuilder();
        for (at++; code[at] != '"' || (verbatim && code[at + 1] == '"'); at++)
        {
            if (!verbatim && code[at] == '\\')
                text.Append(code[++at] == 'n' ? '\n' : code[at]);
            else if (interpolated && code[at] is '{' or '}' && code[at + 1] == code[at])
                text.Append(code[at++]);
            else if (interpolated && code[at] == '{')
            {
                at = Hole(code, at);
                text.Append(Value);
            }
            else if (verbatim && code[at] == '"')
                text.Append(code[at++]);
            else
                text.Append(code[at]);
        }

        texts.Add(text.ToString());
        return at;
    }

    /// <summary>Passes over a value, and takes the texts that stand in it.</summary>
    /// <returns>The place of the closing brace.</returns>
    private int Hole(string code, int at)
    {
        var depth = 0;
        for (; ; at++)
        {
            if (code[at] == '{')
                depth++;
            else if (code[at] == '}' && --depth == 0)
                return at;
            else if (code[at] == '\'')
                at = Character(code, at);
            else if (code[at] == '"')
                at = Literal(code, at, interpolated: code[at - 1] == '$', verbatim: code[at - 1] == '@');
        }
    }
}
