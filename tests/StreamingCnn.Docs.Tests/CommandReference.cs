using System.CommandLine;
using System.CommandLine.Help;
using System.Text;
using StreamingCnn.Cli;

namespace StreamingCnn.Docs.Tests;

/// <summary>The command reference: a Markdown page made of the program's own commands and options.</summary>
internal static class CommandReference
{
    public const string Name = "docs/commands.md";

    public static string Write()
    {
        using var interruption = new Interruption("");
        var root = Program.CreateRoot(TextWriter.Null, interruption, new Job(TextWriter.Null));
        var page = new StringBuilder();
        page.Append("# Commands\n\n");
        page.Append("Made from the program itself: each command, its arguments and its options are what `scnn COMMAND --help` prints. [Troubleshooting](troubleshooting.md) lists what it complains of.\n\n");
        page.Append(root.Description).Append("\n\n| command | what it does |\n| --- | --- |\n");
        foreach (var (name, command) in Commands(root))
            page.Append($"| [`{name}`](#{name.Replace(' ', '-')}) | {command.Description} |\n");
        page.Append("\nExit codes: 0 done and good; 1 done, and the answer is not good (`verify`: FAIL; `predict`: some images failed); 2 the command could not do its work; 130 stopped by a person.\n\n");
        page.Append("Amounts of memory are written as 512MiB, 4GiB or 2GB; sizes in pixels as HEIGHTxWIDTH, or one number for a square. With `SCNN_DEBUG=1` an error shows where it came from.\n");
        foreach (var (name, command) in Commands(root))
            Write(page, name, command);
        return page.ToString();
    }

    private static IEnumerable<(string Name, Command Command)> Commands(Command root, string path = "scnn") =>
        root.Subcommands.Where(command => !command.Hidden).SelectMany(command => command.Subcommands.Count > 0
            ? Commands(command, $"{path} {command.Name}")
            : [($"{path} {command.Name}", command)]);

    private static void Write(StringBuilder page, string name, Command command)
    {
        page.Append($"\n## {name}\n\n{command.Description}\n\n```text\n{name}");
        foreach (var argument in command.Arguments)
        {
            var text = argument.Arity.MaximumNumberOfValues > 1 ? $"<{argument.Name}>..." : $"<{argument.Name}>";
            page.Append(' ').Append(argument.Arity.MinimumNumberOfValues == 0 ? $"[{text}]" : text);
        }

        page.Append(" [options]\n```\n\n| argument or option | meaning | default |\n| --- | --- | --- |\n");
        foreach (var argument in command.Arguments)
            page.Append($"| `{argument.Name}` | {Cell(argument.Description)} | |\n");
        foreach (var option in command.Options.Where(option => !option.Hidden && option is not HelpOption and not VersionOption))
        {
            var (text, fallback) = Default(option.Description ?? "");
            var names = string.Join(
                ", ", new[] { option.Name }.Concat(option.Aliases.Order(StringComparer.Ordinal)).Select(alias => $"`{alias}`"));
            page.Append($"| {names} | {Cell(text)} | {(option.Required ? "must be given" : Cell(fallback))} |\n");
        }
    }

    /// <summary>Descriptions name their default at the end, one way or the other.</summary>
    private static (string Text, string Default) Default(string description)
    {
        if (description.IndexOf(" [default: ", StringComparison.Ordinal) is >= 0 and var bracket)
            return (description[..bracket], $"`{description[(bracket + " [default: ".Length)..^1]}`");
        return description.IndexOf(" Default: ", StringComparison.Ordinal) is >= 0 and var word
            ? (description[..word], description[(word + " Default: ".Length)..].TrimEnd('.'))
            : (description, "");
    }

    private static string Cell(string? text) =>
        (text ?? "").Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal);
}
