using StreamingCnn.Models;
using StreamingCnn.Reductions;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training;

/// <summary>
/// A model that predicts numbers at each pixel of an image, such as depth, height or density. It learns them on the
/// <see cref="Scales"/> of a task, and gives the numbers themselves.
/// </summary>
public sealed class StreamingMapRegressor : StreamingMapModel
{
    private readonly OutputScale scale;
    private readonly ScaledMap scaled;

    /// <summary>Creates the model.</summary>
    /// <param name="trunk">
    /// The trunk, [N, C, H, W] to [N, C', H', W'], behind which a <see cref="DenseHead"/> stands; or where <paramref name="isDense"/> a
    /// network that gives a number for each pixel by itself, [N, C, H, W] to [N, numbers, H, W].
    /// </param>
    /// <param name="scales">
    /// The scale of each number, in the order of the outputs; <see cref="NumberScale.One"/> for one that is learned as it is.
    /// </param>
    /// <param name="options">How the model is streamed; null for the defaults.</param>
    /// <param name="channels">Channels C' of the trunk's output; null to take those of its last convolution.</param>
    /// <param name="isDense">Whether the trunk gives numbers of pixels by itself.</param>
    /// <param name="imageChannels">Channels C of images; null to take those of the trunk's first convolution.</param>
    /// <exception cref="ArgumentException">There is no scale.</exception>
    public StreamingMapRegressor(
        Module<Tensor, Tensor> trunk,
        IReadOnlyList<NumberScale> scales,
        StreamingOptions? options = null,
        long? channels = null,
        bool isDense = false,
        long? imageChannels = null)
        : base(nameof(StreamingMapRegressor), trunk, Checked(scales).Count, options, channels, isDense, imageChannels)
    {
        Scales = scales;
        // Neither is a component: what a file of weights describes has the scale.
        scale = new OutputScale([.. scales.Select(one => one.Mean)], [.. scales.Select(one => one.Deviation)]);
        scaled = new ScaledMap(Network, scale);
        Map = new StreamingModule(scaled, Features.Options);
    }

    /// <summary>The scale that each number is learned on.</summary>
    public IReadOnlyList<NumberScale> Scales { get; }

    /// <summary>The network with its scale, for other programs.</summary>
    internal Module<Tensor, Tensor> Scaled(Module<Tensor, Tensor> whole) => new ScaledMap(whole, scale);

    /// <inheritdoc/>
    private protected override StreamingModule Map { get; }

    /// <inheritdoc/>
    private protected override int TargetChannels => Scales.Count;

    /// <inheritdoc/>
    private protected override MapReduction Sums => new ErrorReduction(Scales.Count);

    /// <inheritdoc/>
    private protected override MapLoss LossOf(LossOptions? objective) => LossOptions.OfNumbers(objective);

    /// <summary>The loss and the errors of one image and its map of numbers, streamed.</summary>
    /// <param name="image">The image; like the map it must stay open until the backward pass is done.</param>
    /// <param name="numbers">The true numbers, a channel for each; NaN where there is none.</param>
    /// <param name="objective">What is learned by; null for squared error.</param>
    /// <returns>
    /// Squared error and what is learned by, scalars, on the scale that numbers are learned on; and the errors of each number, in its own
    /// unit.
    /// </returns>
    /// <exception cref="TrainingException">The map is of another size.</exception>
    /// <exception cref="ArgumentException">No pixel has a number.</exception>
    public (Tensor SquaredError, Tensor Learned, IReadOnlyList<MapErrors> Errors) Judge(
        IImageSource image, IImageSource numbers, LossOptions? objective = null)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        using var scope = NewDisposeScope();
        var (loss, learned, sums) = JudgeMap(image, new ScaledNumbers(numbers, Scales), objective);
        var all = ErrorReduction.Of(sums[0], sums[1]);
        var errors = Scales.Select((one, number) =>
            MapErrors.Of(all.AsSpan(number * ErrorReduction.Sums, ErrorReduction.Sums), one)).ToArray();
        return (loss.MoveToOuterDisposeScope(), learned.MoveToOuterDisposeScope(), errors);
    }

    /// <inheritdoc/>
    internal override ImageJudgement Judge(
        LearningTask task, TrainingSample sample, IImageSource image, IImageSource? mask, LossOptions? objective)
    {
        if (task is not MapRegressionTask)
            throw new ArgumentException(
                $"A model of maps of numbers learns no {task.Kind}; take a {nameof(StreamingClassifier)} or a {nameof(StreamingSegmenter)}.", nameof(task));
        if (mask is null)
            throw new TrainingException($"Image '{sample.Name}' has no map to learn from.");
        try
        {
            var (loss, learned, errors) = Judge(image, mask, objective);
            return new(loss, learned, [.. errors.SelectMany(one => one.ToNumbers())]);
        }
        catch (ArgumentException) when (!HasNumbers(mask))
        {
            // A random part of an image may lie where nothing was measured.
            return new(zeros(1, device: CPU).sum(), null, new double[task.ValueCount]);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Map.Dispose();
            scaled.Dispose();
            scale.Dispose();
        }

        base.Dispose(disposing);
    }

    private static IReadOnlyList<NumberScale> Checked(IReadOnlyList<NumberScale> scales)
    {
        ArgumentNullException.ThrowIfNull(scales);
        return scales.Count > 0 ? scales : throw new ArgumentException("A model of maps predicts at least 1 number.", nameof(scales));
    }

    private static bool HasNumbers(IImageSource map) => AnyWindow(map, window => !window.isnan().all().item<bool>());

    /// <summary>Numbers as they are learned. It leaves the map to its owner.</summary>
    private sealed class ScaledNumbers : IImageSource
    {
        private readonly IImageSource numbers;
        private readonly float[] means;
        private readonly float[] deviations;

        public ScaledNumbers(IImageSource numbers, IReadOnlyList<NumberScale> scales)
        {
            if (numbers.Channels != scales.Count)
                throw new TrainingException(
                    $"The map has {numbers.Channels} channel(s), but {scales.Count} number(s) are predicted; give a channel for each.");
            this.numbers = numbers;
            (means, deviations) = ([.. scales.Select(one => (float)one.Mean)], [.. scales.Select(one => (float)one.Deviation)]);
        }

        public int Channels => numbers.Channels;

        public long Height => numbers.Height;

        public long Width => numbers.Width;

        public Tensor Read(long top, long left, long height, long width)
        {
            using var scope = NewDisposeScope();
            var window = numbers.Read(top, left, height, width).to(ScalarType.Float32);
            return window.sub(Each(means)).div(Each(deviations)).MoveToOuterDisposeScope();

            Tensor Each(float[] numbers) => tensor(numbers, [1, Channels, 1, 1], device: window.device);
        }

        public void Dispose()
        {
        }
    }
}
