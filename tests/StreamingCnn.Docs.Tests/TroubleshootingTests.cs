using System.Text.RegularExpressions;

namespace StreamingCnn.Docs.Tests;

/// <summary>The messages that the page of cures lists are those that the sources hold.</summary>
public partial class TroubleshootingTests
{
    private const string Page = "docs/troubleshooting.md";

    // Texts for programmers alone: what stands in a plan that contradicts itself, or in an argument that the program never passes.
    private static readonly string[] Internal =
    [
        "The carry lacks", "An order of tiles must", "The grid leaves map", "No block starts at",
        "convolution_backward gave", "The rank must lie", "A contact sheet needs",
        "The region must not be empty", "The confidence must lie", "There must be as many", "There must be at least 1",
        "There is no image to measure", "Scale and deviations must be positive", "The weights must be finite", "A tile's way",
        "There are no words for", "A map on the shelf", "The small tensor", "A tensor of", "… looks at the whole map", "… applies small", "… adds to sums",
    ];

    private readonly SourceTexts sources = new(Repository.Sources());

    [Fact]
    public void Every_message_of_the_page_stands_in_the_sources()
    {
        var messages = Messages().ToArray();
        var invented = messages.Where(message => !sources.Contain(message)).ToArray();

        Assert.True(invented.Length == 0, string.Join(Environment.NewLine, invented));
        Assert.True(messages.Length > 100);
    }

    /// <summary>Of whole sentences that are thrown, none is missing from the page.</summary>
    [Fact]
    public void Every_sentence_that_is_thrown_stands_in_the_page()
    {
        var messages = Messages().ToArray();
        var missing =
            from file in Repository.Sources()
            from Match thrown in Thrown().Matches(File.ReadAllText(file))
            let text = Normal(thrown.Groups[1].Value)
            where !Internal.Any(text.StartsWith) && !messages.Any(
                message => text.Contains(message, StringComparison.Ordinal)
                    || message.Contains(text.TrimEnd('.'), StringComparison.Ordinal))
            select $"{Path.GetFileName(file)}: {text}";

        Assert.True(!missing.Any(), string.Join(Environment.NewLine, missing));
    }

    /// <summary>The first cell of each line of the page's tables.</summary>
    private static IEnumerable<string> Messages() =>
        from line in File.ReadLines(Repository.PathOf(Page))
        let cell = Cell().Match(line)
        where cell.Success
        select cell.Groups[1].Value.Replace("\\|", "|", StringComparison.Ordinal);

    private static string Normal(string text)
    {
        var code = Path.GetTempFileName();
        try
        {
            File.WriteAllText(code, text + ";");
            return new SourceTexts([code]).All.OrderByDescending(found => found.Length).First();
        }
        finally
        {
            File.Delete(code);
        }
    }

    [GeneratedRegex(@"^\| `([^`]+)` \|")]
    private static partial Regex Cell();

    // An exception made of a text, with or without a path or a list in front of it, up to the end of the text's first line.
    [GeneratedRegex(
        @"throw new (?!PickleException|FormatException|JsonException|WireFormatException|RefusedNodeException|RefusedLayerException)\w+Exception\(\s*(?:[\w.]+,\s+)?(?:\w+,\s+)?\[?(\$?""[^\n]*)")]
    private static partial Regex Thrown();
}
