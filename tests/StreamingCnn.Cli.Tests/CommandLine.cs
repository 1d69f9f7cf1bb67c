using Spectre.Console;

namespace StreamingCnn.Cli.Tests;

/// <summary>Runs the program within the test's process and keeps what it printed.</summary>
internal sealed record CommandLine(int ExitCode, string Output, string Errors)
{
    public static CommandLine Run(params string[] args)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var before = Console.Out;
        Console.SetOut(output);
        AnsiConsole.Console = AnsiConsole.Create(
            new AnsiConsoleSettings { Ansi = AnsiSupport.No, Interactive = InteractionSupport.No, Out = new AnsiConsoleOutput(output) });
        AnsiConsole.Console.Profile.Width = 120;
        try
        {
            return new(Program.Run(args, errors), output.ToString(), errors.ToString());
        }
        finally
        {
            Console.SetOut(before);
        }
    }

    /// <summary>Asserts that the program refused, with one sentence and nothing else.</summary>
    public void IsRefused(string sentence)
    {
        Assert.Equal(Program.Failure, ExitCode);
        Assert.Equal($"error: {sentence}{Environment.NewLine}", Errors);
    }
}
