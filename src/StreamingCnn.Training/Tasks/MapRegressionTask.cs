using System.Runtime.CompilerServices;
using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training.Tasks;

/// <summary>
/// Numbers at each pixel are to be predicted, such as depth, height or density: squared error for a loss, the coefficient of determination
/// for a score. What a model says of an image are the <see cref="MapErrors"/> of each number, so that no map is ever held.
/// </summary>
public sealed class MapRegressionTask : MapTask
{
    /// <summary>What the task is called in files.</summary>
    public const string Name = "maps";

    // Of a resample the sums are added up once, for all statistics.
    private readonly ConditionalWeakTable<IReadOnlyList<Prediction>, MapErrors[]> sums = [];

    /// <summary>Creates the task.</summary>
    /// <param name="numbers">Names of the numbers, at least 1, in the order of the channels of maps.</param>
    /// <param name="scales">The scale of each; null to learn them as they are.</param>
    /// <param name="missing">Values of pixels that have no number, besides NaN and what files declare; null for none.</param>
    /// <exception cref="ArgumentException">There are no numbers, or not a scale for each, or one that is no scale.</exception>
    public MapRegressionTask(
        IReadOnlyList<string> numbers, IReadOnlyList<NumberScale>? scales = null, IReadOnlyList<long>? missing = null)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        if (numbers.Count == 0)
            throw new ArgumentException("There must be at least 1 number to predict at each pixel.", nameof(numbers));
        Scales = scales ?? [.. numbers.Select(_ => NumberScale.One)];
        if (Scales.Count != numbers.Count)
            throw new ArgumentException($"There are {Scales.Count} scales for {numbers.Count} numbers; give one for each.", nameof(scales));
        if (Scales.Any(scale => !(scale.Deviation > 0) || !double.IsFinite(scale.Deviation) || !double.IsFinite(scale.Mean)))
            throw new ArgumentException("A scale has a finite mean and a deviation above 0.", nameof(scales));
        (Outputs, MissingValues) = (numbers, missing ?? []);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Outputs { get; }

    /// <summary>The scale that each number is learned on. Predictions, metrics and files have the numbers themselves.</summary>
    public IReadOnlyList<NumberScale> Scales { get; }

    /// <summary>Values of pixels that have no number, besides NaN and what files declare.</summary>
    public IReadOnlyList<long> MissingValues { get; }

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <inheritdoc/>
    public override int ValueCount => Outputs.Count * MapErrors.Numbers;

    /// <inheritdoc/>
    public override string ScoreName => Outputs.Count == 1 ? "R2" : "mean R2";

    /// <inheritdoc/>
    public override double Score(IReadOnlyList<Prediction> predictions)
    {
        var defined = Errors(predictions).Select(errors => errors.Determination).Where(value => !double.IsNaN(value)).ToArray();
        return defined.Length > 0 ? defined.Average() : double.NaN;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Statistic> Statistics =>
    [
        .. Outputs.Count == 1
            ? []
            : (Statistic[])[new(ScoreName, "share of the variance over all pixels that is explained, mean over the numbers", Score)],
        .. Outputs.SelectMany((_, number) => Of(number)),
    ];

    /// <summary>How far the numbers of one image lie from the true ones, of each number.</summary>
    public IReadOnlyList<MapErrors> Errors(Prediction prediction)
    {
        ArgumentNullException.ThrowIfNull(prediction);
        return [.. Outputs.Select((_, number) => MapErrors.From(prediction.Values, number * MapErrors.Numbers))];
    }

    /// <summary>The same of all images together.</summary>
    public IReadOnlyList<MapErrors> Errors(IReadOnlyList<Prediction> predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        return sums.GetValue(predictions, all =>
        {
            var together = new MapErrors[Outputs.Count];
            foreach (var prediction in all)
            {
                foreach (var (number, errors) in Errors(prediction).Index())
                    together[number] += errors;
            }

            return together;
        });
    }

    private IEnumerable<Statistic> Of(int number)
    {
        var of = Outputs.Count == 1 ? "" : $" of {Outputs[number]}";
        yield return Pixels("R2", "share of the variance over all pixels that is explained; 0 is what the mean would give", errors =>
            errors.Determination);
        yield return Pixels("mean absolute error", "over all pixels, in the number's own unit", errors => errors.MeanAbsolute, false);
        yield return Pixels("root mean square error", "over all pixels, in the number's own unit", errors => errors.RootMeanSquare, false);
        yield return Pixels("bias", "mean of predicted less true numbers over all pixels", errors => errors.Bias) with { IsQuality = false };
        yield return Pixels("Pearson", "correlation of predicted and true numbers over all pixels", errors => errors.Pearson);
        yield return new(
            $"mean absolute error of sums{of}",
            "of each image's sum over its pixels, which of a density is a count",
            predictions => predictions.Average(prediction =>
                Errors(prediction)[number] is var errors ? Math.Abs(errors.PredictedSum - errors.TrueSum) : 0))
        {
            HigherIsBetter = false,
        };

        Statistic Pixels(string name, string explanation, Func<MapErrors, double> value, bool higherIsBetter = true) =>
            new(name + of, explanation, predictions => value(Errors(predictions)[number])) { HigherIsBetter = higherIsBetter };
    }
}
