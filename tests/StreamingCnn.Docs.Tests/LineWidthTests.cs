using System.Text.RegularExpressions;

namespace StreamingCnn.Docs.Tests;

/// <summary>Lines fit on a page. What stands between quotes does not count: a sentence that users read stays in one piece.</summary>
public sealed partial class LineWidthTests
{
    private const int Widest = 140;

    private static readonly string[] Folders = ["src", "tests", "benchmarks"];

    [Fact]
    public void No_line_is_wider_than_a_page()
    {
        var wide = Folders.SelectMany(Repository.Sources).SelectMany(file =>
            File.ReadLines(file).Index().Where(line => Width(line.Item) > Widest)
                .Select(line => $"{Path.GetRelativePath(Repository.Folder, file)}({line.Index + 1}): {Width(line.Item)}"));
        Assert.Empty(wide);
    }

    private static int Width(string line) => Quoted().Replace(line, "\"\"").Length;

    // Raw strings begin with three quotes, and their lines are somebody else's text.
    [GeneratedRegex("""
        \"([^\"\\]|\\.)*\"?
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Quoted();
}
