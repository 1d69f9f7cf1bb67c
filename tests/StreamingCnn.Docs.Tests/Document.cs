using System.Text;
using System.Text.RegularExpressions;

namespace StreamingCnn.Docs.Tests;

/// <summary>A Markdown document of the repository.</summary>
/// <param name="Name">Its path from the repository's folder on.</param>
/// <param name="Lines">Its lines.</param>
internal sealed partial record Document(string Name, string[] Lines)
{
    private const string Fence = "```";

    /// <summary>All documents that users read.</summary>
    public static IEnumerable<Document> All()
    {
        var root = Repository.Folder;
        var names = new[] { "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "THIRD-PARTY-NOTICES.md" }
            .Concat(
                Directory.EnumerateFiles(Path.Combine(root, "docs"), "*.md", SearchOption.AllDirectories).Select(
                    path => Path.GetRelativePath(root, path).Replace('\\', '/')))
            .Order(StringComparer.Ordinal);
        return names.Select(name => new Document(name, File.ReadAllLines(Path.Combine(root, name))));
    }

    /// <summary>The document's text without its blocks of code, by line number from 1.</summary>
    public IEnumerable<(int Line, string Text)> Prose()
    {
        var inCode = false;
        foreach (var (i, line) in Lines.Index())
        {
            if (line.StartsWith(Fence, StringComparison.Ordinal))
                inCode = !inCode;
            else if (!inCode)
                yield return (i + 1, line);
        }
    }

    /// <summary>Targets of links and pictures, what stands in backquotes left out.</summary>
    public IEnumerable<(int Line, string Target)> Links() =>
        from line in Prose()
        from Match link in Link().Matches(Code().Replace(line.Text, ""))
        select (line.Line, link.Groups[1].Value);

    /// <summary>What a link to one of the document's headings is called, as GitHub makes it.</summary>
    public IReadOnlySet<string> Anchors()
    {
        var anchors = new HashSet<string>();
        foreach (var (_, text) in Prose())
        {
            if (Heading().Match(text) is not { Success: true } heading)
                continue;
            var anchor = new StringBuilder();
            foreach (var letter in heading.Groups[1].Value.Trim().ToLowerInvariant())
            {
                if (char.IsLetterOrDigit(letter) || letter is '-' or '_')
                    anchor.Append(letter);
                else if (letter == ' ')
                    anchor.Append('-');
            }

            var name = anchor.ToString();
            for (var i = 1; !anchors.Add(name); i++)
                name = $"{anchor}-{i}";
        }

        return anchors;
    }

    /// <summary>Blocks of commands for a shell, with the line number of their first line.</summary>
    public IEnumerable<(int Line, string[] Lines)> ShellBlocks()
    {
        for (var i = 0; i < Lines.Length; i++)
        {
            if (Lines[i] is not (Fence + "sh"))
                continue;
            var end = Array.IndexOf(Lines, Fence, i + 1);
            yield return (i + 2, Lines[(i + 1)..end]);
            i = end;
        }
    }

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("`[^`]*`")]
    private static partial Regex Code();

    [GeneratedRegex(@"^#{1,6} (.*)$")]
    private static partial Regex Heading();
}
