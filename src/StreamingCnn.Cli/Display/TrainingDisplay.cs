using System.Diagnostics;
using System.Globalization;
using Spectre.Console;
using StreamingCnn.Training;

namespace StreamingCnn.Cli.Display;

/// <summary>Shows training to a person: a bar with the time left on a terminal, plain lines elsewhere.</summary>
internal static class TrainingDisplay
{
    /// <summary>Runs the training and shows it.</summary>
    /// <param name="fit">Starts it, telling the progress that it is given.</param>
    /// <returns>The epochs.</returns>
    public static IReadOnlyList<EpochResult> Show(Func<IProgress<TrainingProgress>, IEnumerable<EpochResult>> fit)
    {
        var epochs = new List<EpochResult>();
        if (Console.IsOutputRedirected)
        {
            foreach (var epoch in fit(new Reporter(_ => { })))
            {
                epochs.Add(epoch);
                Console.WriteLine(Line(epoch));
            }

            return epochs;
        }

        AnsiConsole.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask? bar = null;
                var clock = Stopwatch.StartNew();
                foreach (var epoch in fit(new Reporter(Report)))
                {
                    epochs.Add(epoch);
                    bar?.StopTask();
                    bar = null;
                    AnsiConsole.WriteLine(Line(epoch));
                }

                void Report(TrainingProgress progress)
                {
                    bar ??= context.AddTask("", maxValue: progress.Images);
                    bar.Value = progress.Done;
                    bar.Description = string.Create(
                        CultureInfo.InvariantCulture,
                        $"epoch {progress.Epoch}, image {progress.Done} of {progress.Images}, loss {progress.Loss:0.000}, {progress.Pixels / 1e6 / clock.Elapsed.TotalSeconds:0.0} MP/s");
                }
            });
        return epochs;
    }

    private static string Line(EpochResult epoch)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"epoch {epoch.Epoch,3}  loss {epoch.Loss:0.0000}  accuracy {epoch.Accuracy:0.000}");
        return epoch.Validation is { } validation
            ? text + string.Create(CultureInfo.InvariantCulture, $"  validation loss {validation.Loss:0.0000}  accuracy {validation.Accuracy:0.000}")
            : text;
    }

    /// <summary>Reports on the calling thread, where <see cref="Progress{T}"/> would report later.</summary>
    private sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
