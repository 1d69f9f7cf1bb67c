using System.Globalization;
using StreamingCnn.Cli.Display;
using StreamingCnn.Cli.Input;
using StreamingCnn.Training;
using StreamingCnn.Training.Reports;
using StreamingCnn.Training.Runs;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn train --find-rate</c>: a learning-rate range test, from its first update to its plot.</summary>
internal sealed class RateSearchRun(
    Trainer trainer, TrainingSet set, RunFolder run, int updates, ProgressDisplay display, Interruption interruption)
{
    /// <summary>Runs it, and writes its table and its plot.</summary>
    /// <returns>The exit code.</returns>
    public int Run()
    {
        interruption.EndWith("Stopped; nothing is written.");
        using var notice = interruption.Token.Register(() => display.Notice("Stopping after this update; nothing is written."));
        var search = display.Pass(updates, progress => trainer.FindRate(set.Training, updates, progress, interruption.Token));
        if (interruption.Token.IsCancellationRequested)
            return Program.Interrupted;
        RateFigure.Write(search, run.Path);
        var last = search.Trials[^1].Rate;
        Say(search.HasDiverged
            ? (FormattableString)$"The loss diverges at a learning rate of {last:0.0e+0}, after {search.Trials.Count} updates."
            : $"The loss does not diverge up to a learning rate of {last:0.0e+0}.");
        Say(search.Suggestion is { } rate
            ? (FormattableString)$"It falls most steeply at {rate:0.0e+0}: --rate {rate:0.0e+0}. Look at rates.png, in {run.Path}, before you believe it."
            : $"It falls at no rate by more than batches differ by chance; look at rates.png, in {run.Path}, and give a larger --batch or --find-rate.");
        return Program.Success;
    }

    private static void Say(FormattableString text) => Console.WriteLine(Printable.Of(text.ToString(CultureInfo.InvariantCulture)));
}
