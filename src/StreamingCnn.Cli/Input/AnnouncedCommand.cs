using System.CommandLine;

namespace StreamingCnn.Cli.Input;

/// <summary>
/// A command that says what it does to what before it does anything, so that nobody waits before an empty screen: loading libtorch, or
/// looking through a data set, takes a moment.
/// </summary>
internal sealed class AnnouncedCommand(string name, string description) : Command(name, description)
{
    /// <summary>What it is going to do, from the command line alone.</summary>
    public Func<ParseResult, string>? FirstLine { get; set; }

    /// <summary>Whether its standard output is for other programs, so that what is said to a person goes to the standard error.</summary>
    public bool OutputIsData { get; set; }

    /// <summary>Whether several processes share its images.</summary>
    public bool IsShared { get; set; }

    /// <summary>Says it.</summary>
    public void Announce(ParseResult parsed)
    {
        if (FirstLine is { } line)
            Say(line(parsed));
    }

    /// <summary>Says something more to the person.</summary>
    public void Say(string text) => (OutputIsData ? Console.Error : Console.Out).WriteLine(Printable.Of(text));
}
