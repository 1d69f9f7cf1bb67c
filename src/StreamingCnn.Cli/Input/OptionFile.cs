using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Cli.Input;

/// <summary>
/// Options in a JSON file: an object with the names of a command's options and arguments, without their dashes, and their values as on the
/// command line. What stands on the command line counts more than what stands in the file.
/// </summary>
internal static class OptionFile
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Parses a command again with a file's options added to those that were given.</summary>
    /// <param name="command">The command.</param>
    /// <param name="given">What stands on the command line.</param>
    /// <param name="path">The file.</param>
    /// <param name="never">Options that have no place in a file.</param>
    /// <exception cref="ArgumentException">
    /// The file is missing, is no such object, names an unknown option, or a value is wrong.
    /// </exception>
    public static ParseResult Merge(Command command, ParseResult given, string path, params Option[] never)
    {
        var arguments = new List<string>(given.Tokens.Select(token => token.Value).SkipWhile(token => token != command.Name).Skip(1));
        string? operand = null;
        foreach (var (name, value) in Read(path))
        {
            if (command.Arguments.FirstOrDefault(argument => argument.Name == name) is { } argument)
            {
                if (given.GetResult(argument) is not { Tokens.Count: > 0 })
                    operand = Text(value);
                continue;
            }

            var option = command.Options.FirstOrDefault(option => option.Name == $"--{name}")
                ?? throw new ArgumentException(
                    $"The file '{path}' has the unknown option '{Excerpt.Of(name)}'; "
                    + (Suggestion.For($"--{name}", command.Options.Select(one => one.Name)) is { } question ? $"{question} " : "")
                    + $"'scnn {command.Name} --help' lists those that there are.");
            if (never.Contains(option))
                throw new ArgumentException($"The file '{path}' has the option '{name}', which belongs on the command line; take it out.");
            if (given.GetResult(option) is { Implicit: false })
                continue;
            // In one piece, and without files of arguments: a value is never taken for an option, nor for a file that holds some.
            arguments.Add($"{option.Name}={Text(value)}");
        }

        if (operand is not null)
            arguments.AddRange(["--", operand]);
        var merged = command.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        return merged.Errors.Count == 0 ? merged : throw new ArgumentException($"With the options in '{path}': {merged.Errors[0].Message}");
    }

    /// <summary>
    /// Writes the options that a command runs with, defaults included, so that <see cref="Merge"/> with the file gives them again.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="command">The command.</param>
    /// <param name="parsed">What it runs with.</param>
    /// <param name="decided">Values that the program chose for options that were left out.</param>
    /// <param name="except">Options that are not recorded.</param>
    public static void Write(
        string path, Command command, ParseResult parsed, IReadOnlyDictionary<Option, string> decided, params Symbol[] except)
    {
        var record = new JsonObject();
        foreach (var argument in command.Arguments.Except(except).Cast<Argument>())
        {
            if (parsed.GetResult(argument) is { Tokens: [var token] })
                record[argument.Name] = token.Value;
        }

        foreach (var option in command.Options.Except(except).Cast<Option>())
        {
            var value = parsed.GetResult(option) is { Implicit: false } result
                ? result.Tokens.Count > 0 ? string.Join(',', result.Tokens.Select(token => token.Value)) : "true"
                : decided.GetValueOrDefault(option) ?? (option as IDefaultText)?.DefaultText;
            if (value is not null)
                record[option.Name.TrimStart('-')] = value;
        }

        AtomicFile.Write(path, file => file.Write(Encoding.UTF8.GetBytes(record.ToJsonString(Indented) + "\n")));
    }

    /// <summary>The options of a file that <see cref="Write"/> wrote, as text by their names.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Settings(string path) =>
        JsonNode.Parse(File.ReadAllText(path))!.AsObject()
            .Select(option => KeyValuePair.Create(option.Key, option.Value?.ToString() ?? ""));

    private static JsonObject Read(string path)
    {
        if (!File.Exists(path))
            throw new ArgumentException($"There is no file of options '{path}'.");
        try
        {
            var read = JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new JsonException("it is no object");
            // Names are looked at when they are asked for.
            _ = read.Count;
            return read;
        }
        catch (JsonException reason)
        {
            throw new ArgumentException(
                $"The file of options '{path}' is not JSON such as {{ \"model\": \"resnet18\", \"epochs\": 20 }}: "
                + $"{Excerpt.Of(reason.Message).TrimEnd('.')}.",
                reason);
        }
        catch (ArgumentException reason)
        {
            throw new ArgumentException($"The file of options '{path}' has an option twice; leave one out.", reason);
        }
    }

    private static string Text(JsonNode? value) => value switch
    {
        JsonArray several => string.Join(',', several.Select(Text)),
        _ => value?.ToString() ?? "",
    };
}

/// <summary>An option that can say its default as it would be written.</summary>
internal interface IDefaultText
{
    /// <summary>The text of the default; null for none.</summary>
    string? DefaultText { get; }

    /// <summary>
    /// Keeps help from printing the default after the description, which names it as a person would write it. The option has no default
    /// from then on.
    /// </summary>
    void LeaveDefaultToDescription();
}
