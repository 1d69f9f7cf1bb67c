using System.CommandLine;
using System.CommandLine.Parsing;

namespace StreamingCnn.Cli.Input;

/// <summary>What is wrong with a command line, in one sentence.</summary>
internal static class CommandLineProblem
{
    /// <summary>Finds the first problem.</summary>
    /// <returns>The sentence; null where nothing is wrong.</returns>
    public static string? Find(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var name = Name(parsed.CommandResult);
        // What follows a mistyped command are options that the program cannot know yet.
        if (command.Subcommands.Count > 0 && parsed.UnmatchedTokens is [var verb, ..] && !verb.StartsWith('-'))
            return $"There is no command '{verb}'; {Suggestion.Ahead(verb, command.Subcommands.Select(one => one.Name))}see {name} --help.";
        // A mistyped option is taken for an argument where the command has one, and for what is left over where not.
        var arguments = parsed.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens)
            .Select(token => token.Value);
        if (!parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash)
            && arguments.Concat(parsed.UnmatchedTokens).FirstOrDefault(token => token.Length > 1 && token[0] == '-') is { } option)
        {
            var written = option.Split('=')[0];
            var known = command.Options.SelectMany(one => one.Aliases.Append(one.Name));
            return $"There is no option '{written}'; {Suggestion.Ahead(written, known)}see {name} --help.";
        }

        if (Repeated(parsed.CommandResult) is { } repeated)
            return repeated;
        if (parsed.UnmatchedTokens.Count > 0)
            return $"'{parsed.UnmatchedTokens[0]}' is one argument too many; see {name} --help.";
        if (parsed.Errors.Count > 0 && command.Subcommands.Count > 0)
            return $"Say what to do; {name} --help lists the commands.";
        return parsed.Errors.Count > 0 ? parsed.Errors[0].Message : null;
    }

    /// <summary>
    /// Finds an option that was given several values by being given several times: which of them is meant, nobody can tell.
    /// </summary>
    private static string? Repeated(CommandResult command)
    {
        if (command.Children.OfType<OptionResult>().FirstOrDefault(result => result.Tokens.Count > 1) is not { Option: var option } result)
            return null;
        var values = result.Tokens.Select(token => token.Value).ToArray();
        var said = string.Join(" and as ", values);
        return option.ValueType.IsArray
            ? $"{option.Name} is given more than once, as {said}; give it once, with its values separated by commas: {option.Name} {string.Join(',', values)}."
            : $"{option.Name} is given more than once, as {said}; leave out all but one.";
    }

    private static string Name(SymbolResult result) => result is CommandResult { Command: var command, Parent: var parent }
        ? parent is null ? "scnn" : $"{Name(parent)} {command.Name}"
        : "";
}
