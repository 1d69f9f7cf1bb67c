using System.Runtime.InteropServices;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Maps;

/// <summary>
/// Judges objects and boundaries on a map of scores while it is computed, beside the map of its true classes, row by row. Neither map is
/// ever whole: what is held are rows of a row of tiles, regions that are open, and the boxes of those that are done.
/// </summary>
public sealed class MapJudge : IMapSink, IDisposable
{
    private readonly SegmentationTask task;
    private readonly IImageSource mask;
    private readonly IReadOnlyList<MapObject>? known;
    private readonly RowSink rows;
    private readonly RegionTracer predicted;
    private readonly RegionTracer? actual;
    private readonly BoundaryMatch? boundaries;
    private readonly List<(MapObject Object, double Score)> found = [];
    private readonly List<MapObject> there = [];
    private (long Height, long Width) size;

    /// <summary>Creates the judge of one map.</summary>
    /// <param name="task">The classes, and what is judged.</param>
    /// <param name="mask">The map of true classes; stays the caller's.</param>
    /// <param name="objects">The objects that are to be found; null for the connected regions of the true classes.</param>
    /// <exception cref="ArgumentException">Nothing is to be judged, or there are as many classes as a byte has values.</exception>
    public MapJudge(SegmentationTask task, IImageSource mask, IReadOnlyList<MapObject>? objects = null)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(mask);
        if (!task.Judging.IsAny)
            throw new ArgumentException("Neither objects nor boundaries are to be judged; say which.", nameof(task));
        if (task.Outputs.Count >= MapClass.Most)
            throw new ArgumentException($"Objects and boundaries are judged of at most {MapClass.Most - 1} classes, and not of {task.Outputs.Count}.", nameof(task));
        (this.task, this.mask, known) = (task, mask, objects);
        rows = new RowSink(Take);
        predicted = new RegionTracer(
            region => found.Add((Box(region, known is null ? null : task.BoxCore), region.MeanWeight)),
            leastArea: task.Judging.LeastArea,
            missing: MapClass.NoData);
        if (task.Judging.Overlap is not null && objects is null)
            actual = new RegionTracer(region => there.Add(Box(region, null)), missing: MapClass.NoData);
        if (task.Judging.BoundaryTolerance is { } tolerance)
            boundaries = new(task.Outputs.Count, tolerance);
    }

    /// <summary>Judges the map that a model makes of an image.</summary>
    /// <param name="run">Hands the scores out, such as <see cref="StreamingMapModel.Run(IImageSource, IMapSink)"/>.</param>
    /// <param name="task">The classes, and what is judged.</param>
    /// <param name="sample">The image.</param>
    /// <exception cref="InvalidDataException">A score is not a finite number.</exception>
    public static MapFindings Of(Action<IImageSource, IMapSink> run, SegmentationTask task, TrainingSample sample)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(sample);
        using var scope = NewDisposeScope();
        using var image = sample.Open(0);
        using var mask = sample.OpenMask!(0);
        using var judge = new MapJudge(task, mask, sample.Objects?.Invoke());
        run(image, judge);
        return judge.Complete();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The map is not of the mask's size, or of other classes.</exception>
    public void Begin(long batch, long channels, long height, long width)
    {
        if (batch != 1 || channels != task.Outputs.Count || height != mask.Height || width != mask.Width)
            throw new ArgumentException($"The map is {batch} x {channels} x {height} x {width}, but the mask is of {mask.Height} x {mask.Width} pixels and {task.Outputs.Count} classes.");
        size = (height, width);
        rows.Begin(1, 2, height, width);
        predicted.Begin(height, width);
        actual?.Begin(height, width);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">A score is not a finite number.</exception>
    public void Write(long top, long left, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        using var scope = NewDisposeScope();
        if (!values.isfinite().all().item<bool>())
            throw new InvalidDataException($"The map holds scores that are not finite numbers near row {top} and column {left}; the weights or the image hold some, too.");
        rows.Write(top, left, ClassMapSink.Likeliest(values, task.Judging.Threshold).cpu());
    }

    /// <summary>What was found, once the whole map has come.</summary>
    public MapFindings Complete()
    {
        predicted.Complete();
        actual?.Complete();
        boundaries?.Complete();
        var all = known ?? there;
        return new(
            task.Judging.Overlap is { } overlap
                ?
                [
                    .. task.Outputs.Select((_, label) => label == 0
                        ? new ObjectCounts(0, [])
                        : ObjectMatches.Of(
                            [.. found.Where(one => one.Object.Label == label)], [.. all.Where(one => one.Label == label)], overlap)),
                ]
                : [],
            boundaries?.Counts ?? []);
    }

    /// <inheritdoc/>
    public void Dispose() => rows.Dispose();

    private MapObject Box(MapRegion region, double? core)
    {
        var box = region.Box;
        // What was learned is the middle of each box.
        var (wider, higher) = core is { } share ? (box.Width * ((1 / share) - 1) / 2, box.Height * ((1 / share) - 1) / 2) : (0, 0);
        return new(
            region.Number,
            Math.Max(0, box.Left - wider),
            Math.Max(0, box.Top - higher),
            Math.Min(size.Width, box.Left + box.Width + wider),
            Math.Min(size.Height, box.Top + box.Height + higher));
    }

    private void Take(long top, Tensor part)
    {
        using var scope = NewDisposeScope();
        var (count, width) = ((int)part.shape[2], (int)part.shape[3]);
        var truth = mask.Read(top, 0, count, width).to(ScalarType.Int16).contiguous();
        var (numbers, weights) = (part.narrow(1, 0, 1).to(ScalarType.Byte).contiguous(), part.narrow(1, 1, 1).contiguous());
        var classes = new byte[width];
        for (var row = 0; row < count; row++)
        {
            var said = numbers.bytes.Slice(row * width, width);
            var labels = MemoryMarshal.Cast<byte, short>(truth.bytes).Slice(row * width, width);
            for (var x = 0; x < width; x++)
            {
                var counts = labels[x] >= 0;
                classes[x] = counts ? (byte)labels[x] : MapClass.NoData;
                if (!counts)
                    said[x] = MapClass.NoData;
            }

            predicted.Write(top + row, said, MemoryMarshal.Cast<byte, float>(weights.bytes).Slice(row * width, width));
            actual?.Write(top + row, classes);
            boundaries?.Write(said, classes);
        }
    }
}
