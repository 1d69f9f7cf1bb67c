using Spectre.Console;

namespace StreamingCnn.Cli.Display;

/// <summary>Bars on a terminal with what is done, how much of it, and the time left.</summary>
internal static class ProgressBars
{
    /// <summary>Bars that vanish when the work is done.</summary>
    public static Progress New() => AnsiConsole.Progress()
        .AutoClear(true)
        .Columns(
            new TaskDescriptionColumn { Alignment = Justify.Left },
            new ProgressBarColumn(),
            new PercentageColumn(),
            new RemainingTimeColumn());
}
