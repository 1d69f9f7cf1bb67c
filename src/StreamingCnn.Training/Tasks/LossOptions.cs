using System.Text.Json.Serialization;
using StreamingCnn.Models;

namespace StreamingCnn.Training.Tasks;

/// <summary>What a map is learned by.</summary>
public enum MapLossKind
{
    /// <summary>The soft Dice loss, <see cref="DiceMapLoss"/>.</summary>
    Dice,

    /// <summary>Dice and cross-entropy in sum, <see cref="DiceCrossEntropyMapLoss"/>.</summary>
    DiceCrossEntropy,

    /// <summary>The absolute error, <see cref="L1MapLoss"/>.</summary>
    Absolute,
}

/// <summary>
/// What is learned by, where it is not the task's plain loss. Curves, scores and the choice of the best epoch show the plain loss all
/// the same, so that runs can be compared.
/// </summary>
public sealed record LossOptions
{
    /// <summary>
    /// The exponent of the focal loss, by which images that are right already count less (Lin et al., "Focal loss for dense object
    /// detection", ICCV 2017): the logarithm of each probability p is multiplied by (1 - p) to this power. For classes, labels and
    /// segmentation.
    /// </summary>
    /// <value>The default value is 0: cross-entropy.</value>
    public double FocalExponent { get; init; }

    /// <summary>
    /// Share of certainty that is given to all classes alike (Szegedy et al., "Rethinking the Inception architecture", CVPR 2016), from 0
    /// to below 1; of labels, to both answers. For classes and labels.
    /// </summary>
    /// <value>The default value is 0.</value>
    public double LabelSmoothing { get; init; }

    /// <summary>
    /// How much an image of each class counts; of labels, an image that has the label, where one that has it not counts once.
    /// </summary>
    /// <value>The default value is null: all count once.</value>
    public IReadOnlyList<double>? ClassWeights { get; init; }

    /// <summary>
    /// Distance from which on an error counts linearly and no more by its square (Huber, 1964), above 0: half of the square up to it, and
    /// distance times the error less half of it beyond. For numbers; of maps in standard deviations of the number.
    /// </summary>
    /// <value>The default value is null: squared error.</value>
    public double? HuberDistance { get; init; }

    /// <summary>
    /// Whether classes are in order and a mistake counts the more the further it is off: of each boundary between two classes the
    /// cross-entropy of lying above it or not, added up. For classes.
    /// </summary>
    /// <value>The default value is false.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsOrdinal { get; init; }

    /// <summary>
    /// Share of the loss of single instances, from 0 to below 1: positions of the trunk's map that the head's attention picks, those with
    /// the most and those with the least, are classified by themselves (Lu et al., 2021, CLAM). For classes, and models that were made with
    /// instances.
    /// </summary>
    /// <value>The default value is 0.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double InstanceShare { get; init; }

    /// <summary>
    /// What a map is learned by, where it is not cross-entropy or the squared error. For segmentation Dice, for maps of numbers
    /// <see cref="MapLossKind.Absolute"/>.
    /// </summary>
    /// <value>
    /// The default value is null: cross-entropy, or the focal loss where it has an exponent; for numbers the squared error, or Huber's
    /// where it has a distance.
    /// </value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public MapLossKind? Map { get; init; }

    /// <summary>
    /// Weights by which all classes count the same in sum: images by classes times images of the class; of labels, those without by
    /// those with; of maps, pixels by classes times pixels of the class.
    /// </summary>
    /// <param name="task">Classes, or labels.</param>
    /// <param name="samples">The images to learn from. A class that none of them is of counts once.</param>
    /// <exception cref="ArgumentException">The task has no classes.</exception>
    public static IReadOnlyList<double> BalancedWeights(LearningTask task, IReadOnlyList<TrainingSample> samples)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(samples);
        return task switch
        {
            ClassificationTask =>
                [.. task.Outputs.Select((_, label) =>
                    Ratio((double)samples.Count / task.Outputs.Count, samples.Count(one => one.Label == label)))],
            SegmentationTask =>
                [.. task.Outputs.Select((_, label) =>
                    Ratio(samples.Sum(one => one.Targets.Sum()) / task.Outputs.Count, samples.Sum(one => one.Targets[label])))],
            MultiLabelTask =>
                [.. task.Outputs.Select((_, label) =>
                    Ratio(samples.Count(one => one.Targets[label] < 0.5), samples.Count(one => one.Targets[label] >= 0.5)))],
            _ => throw new ArgumentException("Numbers have no classes that could be weighted.", nameof(task)),
        };

        static double Ratio(double one, double other) => one > 0 && other > 0 ? one / other : 1;
    }

    /// <summary>The loss of maps of classes.</summary>
    internal static MapLoss OfMaps(LossOptions? options) => options switch
    {
        { Map: MapLossKind.Dice } => new DiceMapLoss(ignoreIndex: SegmentationTask.IgnoredClass),
        { Map: MapLossKind.DiceCrossEntropy } =>
            new DiceCrossEntropyMapLoss(ignoreIndex: SegmentationTask.IgnoredClass, weights: options.ClassWeights),
        { FocalExponent: not 0 } => new FocalMapLoss(options.FocalExponent, options.ClassWeights, SegmentationTask.IgnoredClass),
        _ => new CrossEntropyMapLoss(options?.ClassWeights, SegmentationTask.IgnoredClass),
    };

    /// <summary>The loss of maps of numbers.</summary>
    internal static MapLoss OfNumbers(LossOptions? options) => options switch
    {
        { Map: MapLossKind.Absolute } => new L1MapLoss { IgnoresMissing = true },
        { HuberDistance: { } distance } => new HuberMapLoss(distance) { IgnoresMissing = true },
        _ => new L2MapLoss { IgnoresMissing = true },
    };

    /// <exception cref="ArgumentException">A setting is not of this task, or out of its range; all are named.</exception>
    internal void Check(LearningTask task)
    {
        var problems = new List<string>();
        if (task is RegressionTask or MapRegressionTask && (FocalExponent != 0 || LabelSmoothing != 0 || ClassWeights is not null))
            problems.Add("focal loss, label smoothing and class weights are of classes and labels");
        if (task is SegmentationTask && LabelSmoothing != 0)
            problems.Add("label smoothing is of classes and labels");
        if (InstanceShare != 0 && task is not ClassificationTask)
            problems.Add("the loss of instances is of classes");
        if (IsOrdinal && task is not ClassificationTask)
            problems.Add("ordinal classes are of classes");
        if (IsOrdinal && (FocalExponent != 0 || LabelSmoothing != 0))
            problems.Add("focal loss and label smoothing are of cross-entropy, and not of ordinal classes");
        if (task is not MapTask && Map is not null)
            problems.Add("a loss of maps is of segmentation and of maps");
        if (task is MapRegressionTask && Map is MapLossKind.Dice or MapLossKind.DiceCrossEntropy)
            problems.Add("Dice is of segmentation");
        if (task is SegmentationTask && Map is MapLossKind.Absolute)
            problems.Add("the absolute error is of maps of numbers");
        if (Map is MapLossKind.Absolute && HuberDistance is not null)
            problems.Add("the absolute error and the Huber loss are two losses");
        if (Map is not null && FocalExponent != 0)
            problems.Add("the focal loss is one of its own, beside Dice");
        if (Map == MapLossKind.Dice && ClassWeights is not null)
            problems.Add("class weights are of cross-entropy and the focal loss, and Dice counts all classes alike");
        if (task is not (RegressionTask or MixedTask or MapRegressionTask) && HuberDistance is not null)
            problems.Add("the Huber loss is of numbers");
        if (task is MixedTask && ClassWeights is not null)
            problems.Add("class weights are of one column of classes or of labels");
        else if (ClassWeights is { } weights && weights.Count != task.Outputs.Count)
            problems.Add($"{weights.Count} class weights are given for {task.Outputs.Count} {task.Kind}");
        if (ClassWeights?.All(weight => weight >= 0 && double.IsFinite(weight)) == false || !(FocalExponent >= 0)
            || !(LabelSmoothing is >= 0 and < 1) || !(InstanceShare is >= 0 and < 1) || HuberDistance <= 0)
            problems.Add("a number is out of its range");
        if (problems.Count > 0)
            throw new ArgumentException($"The loss cannot be used: {string.Join("; ", problems)}.");
    }
}
