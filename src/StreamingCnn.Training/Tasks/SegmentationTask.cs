using System.Runtime.CompilerServices;
using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training.Tasks;

/// <summary>
/// Each pixel is of one class: cross-entropy, softmax, and the mean intersection over union for a score. What a model says of an image is
/// how often it takes each class for which, so that no map is ever held.
/// </summary>
public sealed class SegmentationTask : MapTask
{
    /// <summary>What the task is called in files.</summary>
    public const string Name = "segmentation";

    /// <summary>The class of pixels that do not count, as PyTorch has it.</summary>
    public const short IgnoredClass = -100;

    // Reductions count them exactly in any type that maps may have.
    private const int MostClasses = 256;

    // Of a resample the counts are added up once, for all statistics.
    private readonly ConditionalWeakTable<IReadOnlyList<Prediction>, PixelConfusion> sums = [];
    private FindingsStatistics? findings;

    /// <summary>Creates the task.</summary>
    /// <param name="classes">Names of the classes, from 2 to 256.</param>
    /// <param name="values">The value of each class in masks; null for 0, 1 and so on.</param>
    /// <param name="ignored">Values in masks of pixels that do not count; null for none.</param>
    /// <exception cref="ArgumentException">There are fewer than 2 classes or more than 256, or not a value for each.</exception>
    public SegmentationTask(IReadOnlyList<string> classes, IReadOnlyList<long>? values = null, IReadOnlyList<long>? ignored = null)
    {
        ArgumentNullException.ThrowIfNull(classes);
        if (classes.Count is < 2 or > MostClasses)
            throw new ArgumentException(
                $"There must be from 2 to {MostClasses} classes to tell pixels apart, not {classes.Count}.", nameof(classes));
        if (values is not null && values.Count != classes.Count)
            throw new ArgumentException($"There are {values.Count} values for {classes.Count} classes; give one for each.", nameof(values));
        Outputs = classes;
        MaskValues = values ?? [.. classes.Select((_, place) => (long)place)];
        IgnoredValues = ignored ?? [];
        if (MaskValues.Concat(IgnoredValues).GroupBy(value => value).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException(
                $"The value {twice.Key} of masks stands for several classes, or for one and is ignored as well; let it mean one thing.",
                nameof(values));
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Outputs { get; }

    /// <summary>The value of each class in masks.</summary>
    public IReadOnlyList<long> MaskValues { get; }

    /// <summary>Values in masks of pixels that do not count.</summary>
    public IReadOnlyList<long> IgnoredValues { get; }

    /// <summary>
    /// The middle share of each side of a drawn box that is learned as its class, so that boxes that touch stay apart; the boxes around
    /// what is found are larger by as much.
    /// </summary>
    /// <value>The default value is null: whole boxes.</value>
    public double? BoxCore { get; init; }

    /// <summary>
    /// Whether what no shape of a drawn mask covers does not count, as where some parts of an image were annotated; else it is of the first
    /// class.
    /// </summary>
    /// <value>The default value is false.</value>
    public bool IgnoresUnlabelled { get; init; }

    /// <summary>What is judged besides pixels: objects and boundaries, as predictions have them in <see cref="Prediction.Findings"/>.</summary>
    public MapJudging Judging { get; private init; } = new();

    /// <summary>The same task, judged by more than pixels.</summary>
    /// <param name="judging">What is judged.</param>
    /// <param name="boxCore">Another <see cref="BoxCore"/>; null for the task's.</param>
    /// <exception cref="ArgumentException">A setting is out of its range.</exception>
    public SegmentationTask JudgedBy(MapJudging judging, double? boxCore = null)
    {
        ArgumentNullException.ThrowIfNull(judging);
        judging.Validate();
        return new(Outputs, MaskValues, IgnoredValues)
        {
            BoxCore = boxCore ?? BoxCore,
            IgnoresUnlabelled = IgnoresUnlabelled,
            Judging = judging,
            findings = new(Outputs, judging),
        };
    }

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <summary>Counts: how many pixels of each class were taken for each class, row by row.</summary>
    public override int ValueCount => Outputs.Count * Outputs.Count;

    /// <inheritdoc/>
    public override string ScoreName => "mean IoU";

    /// <inheritdoc/>
    public override double Score(IReadOnlyList<Prediction> predictions) => Confusion(predictions).MeanIntersectionOverUnion;

    /// <inheritdoc/>
    public override IReadOnlyList<Statistic> Statistics =>
    [
        new(ScoreName, "intersection over union of predicted and true pixels, all images together, mean over the classes", Score),
        new("mean Dice", "twice the intersection over the sum of predicted and true pixels, which is F1; mean over the classes", predictions =>
            Confusion(predictions).MeanDice),
        new("accuracy", "share of pixels whose class is right", predictions => Confusion(predictions).Accuracy),
        .. Outputs.SelectMany((name, label) => (Statistic[])
        [
            new(
                $"IoU of {name}",
                $"intersection over union of '{name}'",
                predictions => Confusion(predictions).IntersectionOverUnion(label)),
            new($"Dice of {name}", $"Dice, or F1, of '{name}'", predictions => Confusion(predictions).Dice(label)),
            new(
                $"precision of {name}",
                $"share of the pixels called '{name}' that are",
                predictions => Confusion(predictions).Precision(label)),
            new(
                $"recall of {name}",
                $"share of the pixels of '{name}' that are found",
                predictions => Confusion(predictions).Recall(label)),
        ]),
        .. findings?.All ?? [],
    ];

    /// <summary>The counts of one image.</summary>
    public PixelConfusion Confusion(Prediction prediction)
    {
        ArgumentNullException.ThrowIfNull(prediction);
        return new(prediction.Values, Outputs.Count);
    }

    /// <summary>The counts of all images together.</summary>
    public PixelConfusion Confusion(IReadOnlyList<Prediction> predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return sums.GetValue(predictions, all =>
        {
            var sum = new double[ValueCount];
            foreach (var prediction in all)
            {
                for (var i = 0; i < sum.Length; i++)
                    sum[i] += prediction.Values[i];
            }

            return new(sum, Outputs.Count);
        });
    }
}
