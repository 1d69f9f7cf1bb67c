using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Maps;

/// <summary>
/// Counts pixels of a map of scores while it is computed, beside the map of its true classes, and takes its cross-entropy: what training
/// does as part of the network, for maps that are made otherwise.
/// </summary>
/// <param name="classes">Classes.</param>
/// <param name="mask">The map of true classes, below 0 where a pixel does not count; stays the caller's.</param>
internal sealed class PixelJudge(int classes, IImageSource mask) : IMapSink
{
    private readonly long[] counts = new long[classes * classes];
    private double entropy;

    /// <summary>Judges the map of an image: its pixels, and objects and boundaries where they are asked for.</summary>
    /// <param name="run">Hands the scores out.</param>
    /// <param name="task">The classes, and what is judged.</param>
    /// <param name="sample">The image.</param>
    /// <returns>What is said of the image, and its pixels.</returns>
    public static (Prediction Prediction, long Pixels) Predict(
        Action<IImageSource, IMapSink> run, SegmentationTask task, TrainingSample sample)
    {
        using var scope = NewDisposeScope();
        using var image = sample.Open(0);
        using var mask = sample.OpenMask!(0);
        var pixels = new PixelJudge(task.Outputs.Count, mask);
        using var objects = task.Judging.IsAny ? new MapJudge(task, mask, sample.Objects?.Invoke()) : null;
        run(image, objects is null ? pixels : new JoinedSink(pixels, objects));
        return (
            new(sample, pixels.Counts, pixels.CrossEntropy) { Findings = objects?.Complete() }, image.Height * image.Width);
    }

    /// <summary>Of each class how many pixels were taken for each class, row by row of the true ones.</summary>
    public IReadOnlyList<double> Counts => [.. counts.Select(count => (double)count)];

    /// <summary>The mean cross-entropy of the pixels that count; 0 where none does.</summary>
    public double CrossEntropy => entropy / Math.Max(1, counts.Sum());

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The map is not of the mask's size.</exception>
    public void Begin(long batch, long channels, long height, long width)
    {
        if (batch != 1 || channels != classes || height != mask.Height || width != mask.Width)
            throw new ArgumentException($"The map is {batch} x {channels} x {height} x {width}, but the mask is of {mask.Height} x {mask.Width} pixels and {classes} classes.");
    }

    /// <inheritdoc/>
    public void Write(long top, long left, Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        using var scope = NewDisposeScope();
        using Scalar none = 0L, factor = classes, one = 1L;
        var truth = mask.Read(top, left, values.shape[2], values.shape[3]).to(ScalarType.Int64).flatten();
        var isCounted = truth.ge(none);
        var actual = truth[isCounted];
        if (actual.numel() == 0)
            return;
        var scores = values[0].flatten(1).cpu().index_select(1, isCounted.nonzero().flatten()).to(ScalarType.Float64);
        entropy -= scores.log_softmax(0).gather(0, actual.unsqueeze(0)).sum().item<double>();
        foreach (var (pair, count) in actual.mul(factor).add_(scores.argmax(0), one).bincount(null, classes * classes).data<long>().Index())
            counts[pair] += count;
    }
}
