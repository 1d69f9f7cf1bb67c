using System.Runtime.CompilerServices;
using StreamingCnn.Training.Metrics;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tasks;

/// <summary>A label column of a <see cref="MixedTask"/>, and what is learned of it.</summary>
/// <param name="Name">The column's name.</param>
/// <param name="Task">Classes, one label of 0 and 1, or one number.</param>
public sealed record MixedColumn(string Name, ScoredTask Task)
{
    /// <summary>
    /// By what its loss is multiplied before the losses of all columns are added up. For a number 1 through its variance makes the loss
    /// that of the number in its own deviations.
    /// </summary>
    /// <value>The default value is 1.</value>
    public double Weight { get; init; } = 1;
}

/// <summary>
/// Several label columns of different kinds, learned by one model: an image's loss is the sum of those of its columns, and each column is
/// judged as if it were the only one. An image's <see cref="TrainingSample.Targets"/> have a number for each column: the index of a class,
/// 0 or 1, or the number; NaN where it has none. Such a column takes no part in the image's loss, and is judged without the image.
/// </summary>
public sealed class MixedTask : ScoredTask
{
    /// <summary>What the task is called in files.</summary>
    public const string Name = "mixed";

    private readonly int[] starts;

    // Of a resample each column is taken out once, for all statistics.
    private readonly ConditionalWeakTable<IReadOnlyList<Prediction>, IReadOnlyList<Prediction>[]> parts = [];

    /// <summary>Creates the task.</summary>
    /// <param name="columns">The columns, at least 1.</param>
    /// <exception cref="ArgumentException">There are no columns, or one is of several labels or numbers.</exception>
    public MixedTask(IReadOnlyList<MixedColumn> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        if (columns.Count == 0)
            throw new ArgumentException("There must be at least 1 label column.", nameof(columns));
        if (columns.FirstOrDefault(column => column.Task is not ClassificationTask && column.Task.Outputs.Count != 1) is { } several)
            throw new ArgumentException(
                $"The column '{several.Name}' has {several.Task.Outputs.Count} outputs; give each label or number a column of its own.",
                nameof(columns));
        Columns = columns;
        starts = [.. columns.Select((_, place) => columns.Take(place).Sum(column => column.Task.Outputs.Count))];
        Outputs =
        [
            .. columns.SelectMany(column =>
                column.Task is ClassificationTask ? column.Task.Outputs.Select(name => $"{column.Name}={name}") : [column.Name]),
        ];
    }

    /// <summary>The label columns.</summary>
    public IReadOnlyList<MixedColumn> Columns { get; }

    /// <summary>Of columns of classes <c>column=class</c> for each class, of others the column.</summary>
    public override IReadOnlyList<string> Outputs { get; }

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <inheritdoc/>
    public override string ScoreName => "mean score";

    /// <inheritdoc/>
    public override IReadOnlyList<Statistic> Statistics =>
    [
        new(ScoreName, "mean over the columns of the accuracy, or of R2 for numbers", Score),
        .. Columns.SelectMany((column, place) => column.Task.Statistics.Select(statistic => statistic with
        {
            Name = $"{statistic.Name} of {column.Name}",
            Compute = predictions => Of(predictions, place) is { Count: > 0 } part ? statistic.Compute(part) : double.NaN,
        })),
    ];

    /// <summary>Whether an image has a value in a column.</summary>
    /// <param name="sample">The image.</param>
    /// <param name="column">The column, from 0.</param>
    internal static bool Has(TrainingSample sample, int column) => !double.IsNaN(sample.Targets[column]);

    /// <summary>Images and predictions as a column alone has them, without those images that have no value in it.</summary>
    /// <param name="predictions">Predictions of this task.</param>
    /// <param name="column">The column, from 0.</param>
    public IReadOnlyList<Prediction> Of(IReadOnlyList<Prediction> predictions, int column) =>
        parts.GetValue(
            predictions,
            all =>
            [
                .. Columns.Select((_, place) =>
                    (IReadOnlyList<Prediction>)[.. all.Where(one => Has(one.Sample, place)).Select(one => Of(one, place))]),
            ])[column];

    /// <summary>An image and its prediction as a column alone has them, in which the image has a value.</summary>
    public Prediction Of(Prediction prediction, int column)
    {
        ArgumentNullException.ThrowIfNull(prediction);
        return Columns[column].Task.Judge(Of(prediction.Sample, column), Part(prediction.Values, column));
    }

    /// <summary>What a column alone says of an image of which nothing else need be known; without a loss.</summary>
    internal Prediction Part(Prediction prediction, int column) =>
        new(prediction.Sample, Part(prediction.Values, column), double.NaN);

    /// <summary>The first output of a column.</summary>
    internal int First(int column) => starts[column];

    /// <summary>The column and, of a column of classes, the class that an output is of.</summary>
    public (int Column, int Class) Place(int output)
    {
        var column = Array.FindLastIndex(starts, start => start <= output);
        return (column, output - starts[column]);
    }

    /// <inheritdoc/>
    public override Tensor Loss(Tensor scores, TrainingSample sample) => Sum((task, part, of) => task.Loss(part, of), scores, sample);

    internal override Tensor Objective(Tensor scores, TrainingSample sample, LossOptions options) =>
        Sum((task, part, of) => task.Objective(part, of, options), scores, sample);

    /// <inheritdoc/>
    public override IReadOnlyList<double> Values(Tensor scores) =>
        [.. Columns.SelectMany((column, place) => column.Task.Values(Part(scores, place)))];

    private protected override double LossOf(IReadOnlyList<double> values, TrainingSample sample) =>
        Present(sample).Select(one => one.Column.Weight * one.Column.Task.Judge(Of(sample, one.Place), Part(values, one.Place)).Loss).Sum();

    /// <inheritdoc/>
    public override double Score(IReadOnlyList<Prediction> predictions)
    {
        double[] scores =
        [
            .. Columns.Index().Where(one => Of(predictions, one.Index).Count > 0).Select(one =>
                Of(predictions, one.Index) is var part && one.Item.Task is RegressionTask
                ? RegressionError.Determination(
                    [.. part.Select(one => one.Values[0])], [.. part.Select(one => one.Sample.Targets[0])])
                : one.Item.Task.Score(part)).Where(score => !double.IsNaN(score)),
        ];
        return scores.Length > 0 ? scores.Average() : double.NaN;
    }

    private TrainingSample Of(TrainingSample sample, int column) => Columns[column].Task is ClassificationTask
        ? sample with { Label = (int)sample.Targets[column], Targets = [] }
        : sample with { Label = -1, Targets = [sample.Targets[column]] };

    private Tensor Sum(Func<ScoredTask, Tensor, TrainingSample, Tensor> loss, Tensor scores, TrainingSample sample)
    {
        var sum = zeros([], dtype: scores.dtype, device: scores.device);
        foreach (var (column, place) in Present(sample))
        {
            // Held until libtorch has read it.
            using Scalar weight = column.Weight, one = 1;
            sum = sum.add(loss(column.Task, Part(scores, place), Of(sample, place)).mul(weight), one);
        }

        return sum;
    }

    // Without any there would be no gradient.
    private (MixedColumn Column, int Place)[] Present(TrainingSample sample)
    {
        (MixedColumn, int)[] present = [.. Columns.Index().Where(one => Has(sample, one.Index)).Select(one => (one.Item, one.Index))];
        return present.Length > 0
            ? present
            : throw new ArgumentException(
                $"The image '{sample.Name}' has a value in none of the columns {string.Join(", ", Columns.Select(column => column.Name))}; give it one, or leave it out.",
                nameof(sample));
    }

    private Tensor Part(Tensor scores, int column) => scores.narrow(1, starts[column], Columns[column].Task.Outputs.Count);

    private double[] Part(IReadOnlyList<double> values, int column) =>
        [.. values.Skip(starts[column]).Take(Columns[column].Task.Outputs.Count)];
}
