using System.Diagnostics;
using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;
using StreamingCnn.Training;
using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Cli.Display;

/// <summary>
/// Shows long work to a person: on a terminal a bar with the time left, and image, tile, loss, speed and memory below; elsewhere a plain
/// line now and then.
/// </summary>
internal sealed class ProgressDisplay : IProgress<TileProgress>
{
    // Where nobody watches, a line now and then shows that the run is alive.
    private static readonly TimeSpan LineEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RedrawEvery = TimeSpan.FromMilliseconds(100);

    private const int WidestBar = 60;
    private const int RoomBesideBar = 28;

    private readonly IAnsiConsole? terminal;
    private readonly Action<string> write;
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private ProgressText? text;
    private LiveDisplayContext? live;
    private string notice = "";
    private TimeSpan lastShown;

    private ProgressDisplay(IAnsiConsole console, bool isTerminal, TextWriter writer)
    {
        terminal = isTerminal && console.Profile.Capabilities is { Ansi: true, Interactive: true } ? console : null;
        // Filled up, since the line is written over the bar, whose end would remain.
        write = terminal is null ? writer.WriteLine : line => terminal.WriteLine(line.PadRight(terminal.Profile.Width - 1));
    }

    /// <summary>A display on the standard output.</summary>
    /// <param name="isShared">Whether other processes write to it as well: a bar would be written over by them.</param>
    public static ProgressDisplay OnOutput(bool isShared) =>
        new(AnsiConsole.Console, !Console.IsOutputRedirected && !isShared, Console.Out);

    /// <summary>A display on the standard error, for commands whose output is data.</summary>
    public static ProgressDisplay OnErrors(TextWriter errors) =>
        new(
            AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(errors) }), errors == Console.Error
                && !Console.IsErrorRedirected, errors);

    /// <summary>Told of every tile, on the thread that does the work.</summary>
    void IProgress<TileProgress>.Report(TileProgress value)
    {
        text?.Report(value);
        Refresh();
    }

    /// <summary>Runs a training and shows it.</summary>
    /// <param name="epochs">Epochs in all.</param>
    /// <param name="scoreName">Name of the score.</param>
    /// <param name="start">Where it starts.</param>
    /// <param name="fit">Starts it, telling the progress that it is given.</param>
    /// <param name="epochDone">Called after every epoch.</param>
    /// <param name="monitor">What is monitored beside the score; null for nothing.</param>
    public void Train(int epochs, string scoreName, TrainingProgress start, Func<IProgress<TrainingProgress>,
        IEnumerable<EpochResult>> fit, Action epochDone, MonitoredMetric? monitor = null) =>
        Show(epochs, start, progress =>
        {
            foreach (var epoch in fit(progress))
            {
                epochDone();
                write(Line(scoreName, epoch, monitor));
                lastShown = clock.Elapsed;
            }

            return true;
        });

    /// <summary>Runs a pass over images and shows it.</summary>
    /// <param name="images">How many there are.</param>
    /// <param name="pass">Does it, telling the progress that it is given.</param>
    public T Pass<T>(int images, Func<IProgress<TrainingProgress>, T> pass) => Show(0, new(0, 0, images, double.NaN, 0), pass);

    /// <summary>Says something about the work that goes on.</summary>
    public void Notice(string sentence)
    {
        notice = sentence;
        if (live is null)
            write(sentence);
        else
            Draw();
    }

    /// <summary>Writes a line that stays, above the bar.</summary>
    public void Write(string line) => write(line);

    private T Show<T>(int epochs, TrainingProgress start, Func<IProgress<TrainingProgress>, T> work)
    {
        var begun = clock.Elapsed;
        lastShown = begun;
        text = new ProgressText(epochs, start, () => clock.Elapsed - begun);
        var reporter = new ImageReporter(progress =>
        {
            text.Report(progress);
            Refresh();
        });
        try
        {
            return terminal is null ? work(reporter) : terminal.Live(Picture(terminal)).AutoClear(true).Start(context =>
            {
                live = context;
                return work(reporter);
            });
        }
        finally
        {
            live = null;
            text = null;
        }
    }

    private void Refresh()
    {
        if (text is null || clock.Elapsed - lastShown < (live is null ? LineEvery : RedrawEvery))
            return;
        lastShown = clock.Elapsed;
        if (live is not null)
            Draw();
        else
            write(string.Join(", ", new[] { text.Details(", "), text.LeftText }.Where(part => part.Length > 0)));
    }

    private void Draw() => live?.UpdateTarget(Picture(terminal!));

    private Rows Picture(IAnsiConsole console)
    {
        var share = text?.Share ?? 0;
        var width = Math.Clamp(console.Profile.Width - RoomBesideBar, 10, WidestBar);
        var filled = (int)Math.Round(width * share);
        var (done, open) = console.Profile.Capabilities.Unicode ? ('━', '─') : ('#', '-');
        var bar = string.Create(
            CultureInfo.InvariantCulture,
            $"[deepskyblue1]{new string(done, filled)}[/][grey]{new string(open, width - filled)}[/] {share,4:0%}  {text?.LeftText}");
        var lines = new List<IRenderable> { new Markup(bar), new Text(text?.Details("   ") ?? "") { Overflow = Overflow.Ellipsis } };
        if (notice.Length > 0)
            lines.Add(new Markup($"[yellow]{Markup.Escape(notice)}[/]"));
        return new Rows(lines);
    }

    private static string Line(string scoreName, EpochResult epoch, MonitoredMetric? monitor)
    {
        var line = string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {epoch.Epoch,3}  loss {epoch.Training.Loss:0.0000}  {scoreName} {epoch.Training.Score:0.000}");
        return epoch.Validation is { } validation
            ? line + string.Create(
                CultureInfo.InvariantCulture, $"  validation loss {validation.Loss:0.0000}  {scoreName} {validation.Score:0.000}")
                + (monitor is null ? "" : $"  {monitor.Name} {Metric.Format(monitor.Value(validation) ?? double.NaN)}")
            : line;
    }

    /// <summary>Reports on the calling thread, where <see cref="Progress{T}"/> would report later.</summary>
    private sealed class ImageReporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
