using System.Diagnostics;

namespace StreamingCnn;

/// <summary>What a streamed step spends its time on.</summary>
public enum StepPart
{
    /// <summary>Convolutions, forwards; in the recomputation as well.</summary>
    Convolutions,

    /// <summary>All other layers, forwards.</summary>
    OtherLayers,

    /// <summary>Convolutions, backwards.</summary>
    ConvolutionsBackward,

    /// <summary>All other layers, backwards.</summary>
    OtherLayersBackward,

    /// <summary>Laying together what layers read: windows of the image, and rectangles with the strips beside them.</summary>
    Windows,

    /// <summary>Storing what later tiles read, and the outputs.</summary>
    Carry,

    /// <summary>Adding up gradients of maps.</summary>
    Gradients,

    /// <summary>Adding up gradients of parameters.</summary>
    Parameters,

    /// <summary>The engine's own bookkeeping: all that is none of the others.</summary>
    Engine,
}

/// <summary>
/// Counts where the time of streamed steps goes; one object for all steps of one thread. See <see cref="StreamingOptions.Profile"/>.
/// </summary>
public sealed class StepProfile
{
    private readonly long[] ticks = new long[Enum.GetValues<StepPart>().Length];
    private StepPart? current;
    private long since;

    /// <summary>Seconds spent on a part since the start or the last <see cref="Clear"/>.</summary>
    public double Seconds(StepPart part) => (double)ticks[(int)part] / Stopwatch.Frequency;

    /// <summary>Forgets what was counted.</summary>
    public void Clear() => Array.Clear(ticks);

    private StepPart? Switch(StepPart? next)
    {
        var now = Stopwatch.GetTimestamp();
        var before = current;
        if (before is { } part)
            ticks[(int)part] += now - since;
        (current, since) = (next, now);
        return before;
    }

    /// <summary>
    /// A stretch of time that counts for a part until it is disposed; another one within it counts for its own part alone.
    /// </summary>
    internal readonly ref struct Stretch(StepProfile? profile, StepPart part)
    {
        private readonly StepPart? before = profile?.Switch(part);

        public void Dispose() => profile?.Switch(before);
    }
}
