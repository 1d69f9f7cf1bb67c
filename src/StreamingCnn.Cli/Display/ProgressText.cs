using System.Globalization;
using StreamingCnn.Training;

namespace StreamingCnn.Cli.Display;

/// <summary>How far work on images has come, in words. It knows nothing of terminals.</summary>
/// <param name="epochs">Epochs to train; 0 where images are only looked at.</param>
/// <param name="start">Where the work starts.</param>
/// <param name="elapsed">Time since it started.</param>
internal sealed class ProgressText(int epochs, TrainingProgress start, Func<TimeSpan> elapsed)
{
    // Of the four forward passes that a step costs, three are the way back.
    private const double ForwardShare = 0.25;

    // The first moments go into getting started, and the first tiles of an image say little of it.
    private static readonly TimeSpan ShortestTime = TimeSpan.FromSeconds(5);
    private const double SmallestPartOfImage = 0.1;

    private TrainingProgress origin = start;
    private TimeSpan originTime;
    private TrainingProgress? last;
    private TileProgress? tile;

    /// <summary>Takes in that an image is done.</summary>
    public void Report(TrainingProgress progress)
    {
        // A resumed run goes on within an epoch; what was done before took none of this time.
        if (last is null && (progress.Epoch, progress.Done) != (origin.Epoch, origin.Done + 1))
            (origin, originTime) = (progress, elapsed());
        last = progress;
        tile = null;
    }

    private TrainingProgress Now => last ?? origin;

    /// <summary>Takes in that a tile is done.</summary>
    public void Report(TileProgress progress) => tile = progress;

    /// <summary>How much of all work is done, from 0 to 1.</summary>
    public double Share => Math.Min(1, Of(Now, Now.Done < Now.Images ? TileShare : 0));

    /// <summary>
    /// Time left, going by the time since the start; null as long as that is too short, or too little of the first image is done, to go by.
    /// </summary>
    public TimeSpan? Left
    {
        get
        {
            var (spent, done) = (elapsed() - originTime, Share - Of(origin, 0));
            return spent >= ShortestTime && done >= SmallestPartOfImage / Now.Images / Math.Max(epochs, 1)
                ? spent * ((1 - Share) / done)
                : null;
        }
    }

    /// <summary>Time left as <c>00:03:12 left</c>.</summary>
    public string LeftText => Left is { } left
        ? left.TotalDays >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)left.TotalDays} d {left:hh\\:mm} h left")
            : string.Create(CultureInfo.InvariantCulture, $"{left:hh\\:mm\\:ss} left")
        : "";

    /// <summary>Image, tile, loss, speed and memory.</summary>
    public string Details(string separator)
    {
        var parts = new List<string>();
        if (epochs > 0)
            parts.Add($"epoch {Now.Epoch}/{epochs}");
        parts.Add($"image {Math.Min(Now.Done + (tile is null ? 0 : 1), Now.Images)}/{Now.Images}");
        if (tile is { } at)
            parts.Add($"tile {at.Done}/{at.Total}{(epochs == 0 ? "" : Now.Done == Now.Images ? " validation" : at.Pass == TilePass.Forward ? " forward" : " backward")}");
        if (double.IsFinite(Now.Loss))
            parts.Add(Text($"loss {Now.Loss:0.000}"));
        if (Now.Pixels > origin.Pixels)
            parts.Add(Text($"{(Now.Pixels - origin.Pixels) / 1e6 / (elapsed() - originTime).TotalSeconds:0.00} MP/s"));
        parts.Add($"{Environment.WorkingSet >> 20} MiB");
        return string.Join(separator, parts);
    }

    private double TileShare => tile is not { } at ? 0
        : epochs == 0 ? (double)at.Done / at.Total
        : at.Pass == TilePass.Forward ? ForwardShare * at.Done / at.Total
        : ForwardShare + ((1 - ForwardShare) * at.Done / at.Total);

    private double Of(TrainingProgress progress, double partOfImage) =>
        (Math.Max(progress.Epoch - 1, 0) + ((progress.Done + partOfImage) / progress.Images)) / Math.Max(epochs, 1);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
