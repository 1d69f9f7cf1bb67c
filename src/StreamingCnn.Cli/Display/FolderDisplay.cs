using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace StreamingCnn.Cli.Display;

/// <summary>Shows how many of many files are written: on a terminal a bar with the time left; elsewhere a line now and then.</summary>
internal sealed class FolderDisplay
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(30);

    private readonly Stopwatch clock = Stopwatch.StartNew();
    private TimeSpan lastLine;

    /// <summary>Runs the work and shows it.</summary>
    /// <param name="name">What is written.</param>
    /// <param name="work">Does it, telling how many are done of how many.</param>
    public void Show(string name, Action<Action<long, long>> work)
    {
        if (Console.IsOutputRedirected)
        {
            work(Say);
            return;
        }

        ProgressBars.New().Start(context =>
        {
            var bar = context.AddTask(Markup.Escape(name));
            work((done, total) => (bar.MaxValue, bar.Value) = (total, done));
        });
    }

    private void Say(long done, long total)
    {
        if (clock.Elapsed - lastLine < LineEvery)
            return;
        lastLine = clock.Elapsed;
        var left = clock.Elapsed * ((double)(total - done) / done);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{done} of {total} tiles written, {left:hh\\:mm\\:ss} left, {Environment.WorkingSet >> 20} MiB"));
    }
}
