using System.Diagnostics;
using System.Globalization;
using Spectre.Console;
using StreamingCnn.Training;

namespace StreamingCnn.Cli.Display;

/// <summary>Shows training to a person: on a terminal a bar with image, tile, loss, speed, memory and the time left; elsewhere plain lines.</summary>
internal sealed class TrainingDisplay(int epochs, string scoreName) : IProgress<TileProgress>
{
    // Where nobody watches, a line now and then shows that the run is alive.
    private static readonly TimeSpan LineEvery = TimeSpan.FromMinutes(1);

    private readonly Stopwatch clock = Stopwatch.StartNew();
    private TimeSpan lastLine;
    private ProgressTask? bar;
    private TrainingProgress? image;
    private TrainingProgress? first;

    /// <summary>Told of every tile, on the thread that trains.</summary>
    void IProgress<TileProgress>.Report(TileProgress value)
    {
        if (bar is not null && image is { } progress)
            bar.Description = Describe(progress, value);
    }

    /// <summary>Runs the training and shows it.</summary>
    /// <param name="fit">Starts it, telling the progress that it is given.</param>
    /// <param name="epochDone">Called after every epoch.</param>
    public void Show(Func<IProgress<TrainingProgress>, IEnumerable<EpochResult>> fit, Action epochDone)
    {
        if (Console.IsOutputRedirected)
        {
            Follow(fit, epochDone, Console.WriteLine);
            return;
        }

        AnsiConsole.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                bar = context.AddTask("training", maxValue: 1);
                Follow(fit, epochDone, AnsiConsole.WriteLine);
                bar = null;
            });
    }

    private void Follow(Func<IProgress<TrainingProgress>, IEnumerable<EpochResult>> fit, Action epochDone, Action<string> write)
    {
        foreach (var epoch in fit(new ImageReporter(progress => Report(progress, write))))
        {
            epochDone();
            write(Line(epoch));
            lastLine = clock.Elapsed;
        }
    }

    private void Report(TrainingProgress progress, Action<string> write)
    {
        image = progress;
        first ??= progress;
        if (bar is not null)
        {
            bar.Value = Share(progress);
            bar.Description = Describe(progress, null);
        }
        else if (clock.Elapsed - lastLine > LineEvery)
        {
            lastLine = clock.Elapsed;
            var done = Share(progress) - Share(first.Value);
            var left = done > 0 ? string.Create(CultureInfo.InvariantCulture, $", about {clock.Elapsed * ((1 - Share(progress)) / done):hh\\:mm\\:ss} left") : "";
            write(Describe(progress, null) + left);
        }
    }

    /// <summary>How much of all epochs is done.</summary>
    private double Share(TrainingProgress progress) => (progress.Epoch - 1 + ((double)progress.Done / progress.Images)) / epochs;

    private string Describe(TrainingProgress progress, TileProgress? tile)
    {
        var speed = (progress.Pixels - (first?.Pixels ?? 0)) / 1e6 / clock.Elapsed.TotalSeconds;
        var tiles = tile is { } at ? string.Create(CultureInfo.InvariantCulture, $", tile {at.Done}/{at.Total} {(at.Pass == TilePass.Forward ? "forward" : "backward")}") : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {progress.Epoch}/{epochs}, image {progress.Done}/{progress.Images}{tiles}, loss {progress.Loss:0.000}, {speed:0.0} MP/s, {Environment.WorkingSet >> 20} MiB");
    }

    private string Line(EpochResult epoch)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"epoch {epoch.Epoch,3}  loss {epoch.Training.Loss:0.0000}  {scoreName} {epoch.Training.Score:0.000}");
        return epoch.Validation is { } validation
            ? text + string.Create(CultureInfo.InvariantCulture, $"  validation loss {validation.Loss:0.0000}  {scoreName} {validation.Score:0.000}")
            : text;
    }

    /// <summary>Reports on the calling thread, where <see cref="Progress{T}"/> would report later.</summary>
    private sealed class ImageReporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
