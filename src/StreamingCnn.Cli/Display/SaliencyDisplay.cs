using System.Diagnostics;
using System.Globalization;
using Spectre.Console;
using StreamingCnn.Training.Saliency;

namespace StreamingCnn.Cli.Display;

/// <summary>Shows how far a map is: on a terminal a bar with step, tile and time left; elsewhere a line now and then.</summary>
/// <param name="isShared">Whether other processes write to the output as well: a bar would be written over by them.</param>
internal sealed class SaliencyDisplay(bool isShared) : IProgress<TileProgress>, IProgress<SaliencyProgress>
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(30);

    private readonly Stopwatch clock = Stopwatch.StartNew();
    private TimeSpan lastLine;
    private ProgressTask? bar;
    private SaliencyProgress step;

    /// <summary>Runs the work and shows it.</summary>
    public SaliencyMap Show(string name, Func<SaliencyMap> work)
    {
        if (Console.IsOutputRedirected || isShared)
            return work();
        return ProgressBars.New().Start(context =>
        {
            bar = context.AddTask(Markup.Escape(name), maxValue: 1);
            try
            {
                return work();
            }
            finally
            {
                bar = null;
            }
        });
    }

    void IProgress<SaliencyProgress>.Report(SaliencyProgress value)
    {
        step = value;
        Say(value.Share, value.Step);
    }

    void IProgress<TileProgress>.Report(TileProgress value)
    {
        // A backward pass computes forwards once more: it is two thirds of the work.
        var done = (double)value.Done / value.Total;
        var ofPass = value.Pass == TilePass.Forward ? done / 3 : (1 + (2 * done)) / 3;
        Say(
            step.Share + (ofPass * step.Size), string.Create(
                CultureInfo.InvariantCulture,
                $"{step.Step}, tile {value.Done}/{value.Total} {(value.Pass == TilePass.Forward ? "forward" : "backward")}"));
    }

    private void Say(double share, string text)
    {
        if (bar is not null)
        {
            bar.Value = Math.Max(bar.Value, share);
            bar.Description = Markup.Escape(text);
        }
        else if (clock.Elapsed - lastLine > LineEvery)
        {
            lastLine = clock.Elapsed;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{text}, {share:0%} done, {Environment.WorkingSet >> 20} MiB"));
        }
    }
}
