using System.CommandLine;
using System.Text;
using System.Text.RegularExpressions;
using StreamingCnn.Cli;
using StreamingCnn.Cli.Input;

namespace StreamingCnn.Docs.Tests;

/// <summary>What the documents show for a shell is understood by the program as it is.</summary>
public partial class CommandLineTests
{
    private const string FromSource = "src/StreamingCnn.Cli";

    [Fact]
    public void Every_command_line_of_scnn_is_understood()
    {
        var problems = new List<string>();
        var seen = 0;
        foreach (var document in Document.All())
        {
            foreach (var (place, arguments) in Commands(document))
            {
                seen++;
                // As a shell would: a pattern for files may stand for any number of them.
                if (Problem(arguments) is { } problem)
                    problems.Add($"{document.Name}:{place}: {problem}");
            }
        }

        Assert.True(problems.Count == 0, string.Join(Environment.NewLine, problems));
        Assert.True(seen > 20, "The documents show hardly any command line: have they been looked through?");
    }

    [Fact]
    public void What_does_not_exist_is_found()
    {
        Assert.NotNull(Problem(["train", "slides.csv", "--modell", "small"]));
        Assert.NotNull(Problem(["trian"]));
        Assert.NotNull(Problem(["train", "slides.csv", "--epochs", "few"]));
    }

    [Fact]
    public void Files_of_the_repository_that_are_named_for_a_shell_are_there()
    {
        var missing =
            from document in Document.All()
            from block in document.ShellBlocks()
            from line in block.Lines
            from Match file in FileOfTheRepository().Matches(line)
            where !Path.Exists(Repository.PathOf(file.Value))
            select $"{document.Name}: there is no {file.Value}.";

        Assert.Empty(missing);
    }

    private static string? Problem(string[] arguments)
    {
        using var interruption = new Interruption("");
        return CommandLineProblem.Find(Program.CreateRoot(TextWriter.Null, interruption, new Job(TextWriter.Null)).Parse(arguments));
    }

    private static IEnumerable<(int Line, string[] Arguments)> Commands(Document document)
    {
        foreach (var (first, lines) in document.ShellBlocks())
        {
            var variables = new Dictionary<string, string>();
            for (var i = 0; i < lines.Length; i++)
            {
                var (start, text) = (i, lines[i]);
                while (text.EndsWith('\\'))
                    text = text[..^1] + lines[++i];
                foreach (var (name, value) in variables)
                    text = text.Replace("$" + name, value, StringComparison.Ordinal);
                if (Assignment().Match(text) is { Success: true } assignment)
                {
                    variables[assignment.Groups[1].Value] = assignment.Groups[2].Value;
                    continue;
                }

                var words = Words(text);
                var program = words switch
                {
                    ["scnn" or "mpirun" or "srun", ..] => Array.IndexOf(words, "scnn"),
                    ["dotnet", ..] when words.Contains(FromSource) => Array.IndexOf(words, "--"),
                    _ => -1,
                };
                if (program >= 0)
                    yield return (first + start, words[(program + 1)..]);
            }
        }
    }

    /// <summary>The words of a command, without its comment, and without what pipes and redirections make of its output.</summary>
    private static string[] Words(string text)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var quote = '\0';
        foreach (var letter in text + ' ')
        {
            if (quote == '\0' && letter is '#' or '|' or '>' && word.Length == 0)
                break;
            if (letter == quote)
                quote = '\0';
            else if (quote == '\0' && letter is '"' or '\'')
                quote = letter;
            else if (quote != '\0' || letter != ' ')
                word.Append(letter);
            else if (word.Length > 0)
            {
                words.Add(word.ToString());
                word.Clear();
            }
        }

        return [.. words];
    }

    [GeneratedRegex(@"^(\w+)=""([^""]*)""$")]
    private static partial Regex Assignment();

    [GeneratedRegex(@"(?<![\w/.])(src|tests|examples|benchmarks|docs|\.ci)/[\w./-]+")]
    private static partial Regex FileOfTheRepository();
}
