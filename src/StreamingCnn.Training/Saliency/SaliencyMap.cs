using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Maps;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>
/// What in an image matters for one of a model's scores. The map has the size of the image as the network sees it; it is an image source of
/// its own, of one channel, whose values are those of the blurred and clipped map, 0 or more.
/// </summary>
/// <remarks>
/// The map lies in temporary files, which are deleted with the object: memory is that of a training step without the weights' gradients,
/// and a few bands of rows. A map of gradients is the largest absolute value over the channels; of a class activation map, what speaks
/// against the score counts as 0.
/// </remarks>
public sealed class SaliencyMap : IImageSource
{
    // Of the time, where a network is not very small.
    private const double MapShare = 0.9;

    private readonly RasterFile raw;
    private readonly RasterFile heat;

    private SaliencyMap(RasterFile raw, RasterFile heat, IReadOnlyList<double> scores, int target, SaliencyOptions options, double blur)
    {
        (this.raw, this.heat) = (raw, heat);
        (Scores, Target, Method, Percentile, Blur) = (scores, target, options.Method, options.Percentile, blur);
        Limit = ExactPercentile.Of(heat, options.Percentile);
        Largest = options.Percentile == 100 ? Limit : ExactPercentile.Of(heat, 100);
    }

    /// <summary>The model's scores of the image, without noise; before any softmax or sigmoid.</summary>
    public IReadOnlyList<double> Scores { get; }

    /// <summary>The output whose score is explained.</summary>
    public int Target { get; }

    /// <summary>How the map was made.</summary>
    public SaliencyMethod Method { get; }

    /// <summary>Standard deviation of the blur, in pixels of the map.</summary>
    public double Blur { get; }

    /// <summary>The percentile at which values are clipped.</summary>
    public double Percentile { get; }

    /// <summary>The value at which the map is clipped.</summary>
    public double Limit { get; }

    /// <summary>The largest value before clipping.</summary>
    public double Largest { get; }

    /// <inheritdoc/>
    public int Channels => 1;

    /// <inheritdoc/>
    public long Height => heat.Height;

    /// <inheritdoc/>
    public long Width => heat.Width;

    /// <summary>Channels of the raw map: those of the image for gradients, 1 for class activation and attention.</summary>
    public int RawChannels => raw.Channels;

    internal RasterFile HeatFile => heat;

    /// <summary>Makes a map. Processes that share the image all call this, and all have the map.</summary>
    /// <param name="model">The model; left in evaluation mode.</param>
    /// <param name="image">What the network sees: values scaled as in training. Stays the caller's.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <exception cref="ArgumentException">A setting is out of its range; all such settings are named.</exception>
    /// <exception cref="IOException">The temporary files cannot be written.</exception>
    /// <exception cref="TrainingException">A score or a gradient is not a finite number.</exception>
    public static SaliencyMap Compute(StreamingClassifier model, IImageSource image, SaliencyOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(image);
        options ??= new();
        options.Validate(model.Head);
        model.eval();
        var blur = options.Blur ?? 50.0 / 8192 * Math.Max(image.Height, image.Width);
        var folder = options.TemporaryFolder ?? Path.GetTempPath();
        var isOfPositions = options.Method is SaliencyMethod.ClassActivation or SaliencyMethod.Attention;
        var channels = isOfPositions ? 1 : image.Channels;
        var raw = new RasterFile(folder, image.Height, image.Width, channels);
        RasterFile? heat = null;
        try
        {
            heat = new RasterFile(folder, image.Height, image.Width, 1);
            var (scores, target) = Explain(raw, model, image, options, folder);
            options.Progress?.Report(new("blurring", MapShare, 1 - MapShare));
            HeatImage.Write(raw, heat, isSigned: isOfPositions, blur);
            var map = new SaliencyMap(raw, heat, scores, target, options, blur);
            return double.IsFinite(map.Largest)
                ? map
                : throw new TrainingException(
                    "The map holds values that are not finite numbers; the image or the weights hold such values, too.");
        }
        catch
        {
            heat?.Dispose();
            raw.Dispose();
            throw;
        }
    }

    /// <summary>The blurred and clipped map, 0 to <see cref="Limit"/>.</summary>
    /// <returns>[1, 1, height, width], float32.</returns>
    public Tensor Read(long top, long left, long height, long width)
    {
        new ImageRegion(top, left, height, width).CheckInside(Height, Width);
        using Scalar limit = Limit;
        return heat.Read(new ImageRegion(top, left, height, width)).clamp_max_(limit);
    }

    /// <summary>
    /// The map before blur and clipping: the gradient of the score for each channel of the network's input, with its sign, or the class
    /// activation, or the attention.
    /// </summary>
    /// <returns>[1, <see cref="RawChannels"/>, height, width], float32.</returns>
    public Tensor ReadRaw(long top, long left, long height, long width)
    {
        new ImageRegion(top, left, height, width).CheckInside(Height, Width);
        return raw.Read(new ImageRegion(top, left, height, width));
    }

    /// <summary>
    /// Writes the blurred and clipped map as a tiled pyramid of float32 (TIFF, compressed without loss), which libvips and QuPath open.
    /// </summary>
    /// <param name="path">The file. It appears complete or not at all; one that is there already is replaced.</param>
    /// <param name="micrometresPerPixel">Resolution of the map, which viewers measure by; null when it is not known.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void WriteTiff(string path, double? micrometresPerPixel = null) =>
        HeatImage.WriteTiff(heat, path, Limit, new(Height, Width) { MicrometresAcross = micrometresPerPixel });

    /// <summary>The same for an image that lies on the ground, and has places without data.</summary>
    /// <param name="path">The file. It appears complete or not at all; one that is there already is replaced.</param>
    /// <param name="place">Where the map lies in the image file, whose coordinates and resolution the file gets.</param>
    /// <param name="missing">Where the image has no data, as NaN in the file; stays the caller's. Null for nowhere.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void WriteTiff(string path, MapPlace place, NoDataMask? missing = null)
    {
        ArgumentNullException.ThrowIfNull(place);
        HeatImage.WriteTiff(heat, path, Limit, place.Image(Height, Width), missing);
    }

    /// <summary>Writes the map before blur and clipping in the same form: see <see cref="ReadRaw"/>.</summary>
    /// <param name="path">The file. It appears complete or not at all; one that is there already is replaced.</param>
    /// <param name="micrometresPerPixel">Resolution of the map; null when it is not known.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void WriteRawTiff(string path, double? micrometresPerPixel = null) =>
        HeatImage.WriteTiff(raw, path, null, new(Height, Width) { MicrometresAcross = micrometresPerPixel });

    /// <summary>The same for an image that lies on the ground, and has places without data.</summary>
    /// <param name="path">The file. It appears complete or not at all; one that is there already is replaced.</param>
    /// <param name="place">Where the map lies in the image file, whose coordinates and resolution the file gets.</param>
    /// <param name="names">What the image's channels are called; passed over where the map has another number.</param>
    /// <param name="missing">Where the image has no data, as NaN in the file; stays the caller's. Null for nowhere.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void WriteRawTiff(string path, MapPlace place, IReadOnlyList<string>? names = null, NoDataMask? missing = null)
    {
        ArgumentNullException.ThrowIfNull(place);
        HeatImage.WriteTiff(raw, path, null, place.Image(Height, Width) with { ChannelNames = names ?? [] }, missing);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        raw.Dispose();
        heat.Dispose();
    }

    private static (IReadOnlyList<double> Scores, int Target) Explain(
        RasterFile raw, StreamingClassifier model, IImageSource image, SaliencyOptions options, string folder)
    {
        using var scope = NewDisposeScope();
        Tensor scores;
        int target;
        switch (options.Method)
        {
            case SaliencyMethod.ClassActivation:
                options.Progress?.Report(new("map", 0, MapShare));
                (scores, target) = ClassActivation.WriteTo(raw, model, image, options.Target, folder);
                break;
            case SaliencyMethod.Attention:
                options.Progress?.Report(new("attention", 0, MapShare));
                (scores, target) = AttentionMap.WriteTo(raw, model, image, options.Target, folder);
                break;
            case SaliencyMethod.SmoothGrad:
                using (no_grad())
                    scores = model.forward(image).to(ScalarType.Float64).cpu();
                target = options.Target ?? ScoreGradient.Largest(scores);
                AddNoisyGradients(raw, model, image, target, options);
                raw.Join(model.Options);
                break;
            default:
                options.Progress?.Report(new("gradient", 0, MapShare));
                (scores, target) = ScoreGradient.AddTo(raw, model, image, options.Target);
                raw.Join(model.Options);
                break;
        }

        var values = scores.flatten().data<double>().ToArray();
        return values.All(double.IsFinite)
            ? (values, target)
            : throw new TrainingException("A score of the model is not a finite number, so nothing can explain it; the image or the weights hold values that are no numbers.");
    }

    private static void AddNoisyGradients(
        RasterFile raw, StreamingClassifier model, IImageSource image, int target, SaliencyOptions options)
    {
        var deviation = options.Noise * Range(image);
        using var kept = new Borrowed(image);
        for (var pass = 0; pass < options.Passes; pass++)
        {
            options.Progress?.Report(
                new($"pass {pass + 1} of {options.Passes}", MapShare * pass / options.Passes, MapShare / options.Passes));
            using var scope = NewDisposeScope();
            using var noisy = new NoisySource(kept, deviation, unchecked((options.Seed * 1_000_003) + pass));
            ScoreGradient.AddTo(raw, model, noisy, target, 1.0 / options.Passes, replace: pass == 0);
        }
    }

    /// <summary>The largest less the smallest value of an image.</summary>
    private static double Range(IImageSource image)
    {
        const long Side = 2048;
        var (least, most) = (double.PositiveInfinity, double.NegativeInfinity);
        for (long top = 0; top < image.Height; top += Side)
        {
            for (long left = 0; left < image.Width; left += Side)
            {
                using var scope = NewDisposeScope();
                var window =
                    image.Read(top, left, Math.Min(Side, image.Height - top), Math.Min(Side, image.Width - left)).to(ScalarType.Float32);
                (least, most) = (Math.Min(least, window.min().item<float>()), Math.Max(most, window.max().item<float>()));
            }
        }

        return most - least;
    }

    /// <summary>A source that is the caller's to dispose.</summary>
    private sealed class Borrowed(IImageSource image) : IImageSource
    {
        public int Channels => image.Channels;

        public long Height => image.Height;

        public long Width => image.Width;

        public Tensor Read(long top, long left, long height, long width) => image.Read(top, left, height, width);

        public void Dispose()
        {
        }
    }
}
