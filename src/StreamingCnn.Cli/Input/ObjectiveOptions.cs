using System.CommandLine;
using StreamingCnn.Training;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Cli.Input;

/// <summary>What images are learned by, where it is not the plain loss of their task.</summary>
internal sealed class ObjectiveOptions
{
    private const double UsualFocalExponent = 2;

    public Option<PixelLoss> Loss { get; } = CommonOptions.Parsed(
        "--loss",
        "What is learned by, of --task segmentation cross-entropy, dice (the soft Dice loss), dice-cross-entropy (both in sum), or focal (whose exponent is --focal, or 2); of --task maps squared or absolute (the error), or squared with --huber. "
            + "Default: cross-entropy, or squared.",
        text => text switch
        {
            "cross-entropy" => PixelLoss.CrossEntropy,
            "dice" => PixelLoss.Dice,
            "dice-cross-entropy" => PixelLoss.DiceCrossEntropy,
            "focal" => PixelLoss.Focal,
            "squared" => PixelLoss.Squared,
            "absolute" => PixelLoss.Absolute,
            _ => throw new FormatException($"'{text}' is no loss; write cross-entropy, dice, dice-cross-entropy or focal, or of maps of numbers squared or absolute."),
        },
        null);

    private readonly Option<double> focal = CommonOptions.Real(
        "--focal", "Exponent of the focal loss, by which images that are right already count less, such as 2; 0 for cross-entropy.", 0,
            0, 10, "from 0 to 10");

    private readonly Option<double> smoothing = CommonOptions.Share("--label-smoothing",
        "Share of certainty given to all classes alike, from 0 to below 1.", 0);

    public Option<double> InstanceLoss { get; } = CommonOptions.Share(
        "--instance-loss",
        "Of --pooling attention with --task classes: share of the loss of single positions of the feature map, from 0 to below 1, such as 0.3; "
        + "those with the most attention are taken to be of the image's class, those with the least not (CLAM).",
        0);

    public Option<int> Instances { get; } = CommonOptions.Number(
        "--instances", "Positions with the most attention, and as many with the least, that --instance-loss is about.", 8, 1);

    public Option<string[]> Ordinal { get; } = CommonOptions.Several(
        "--ordinal",
        "Of --task classes: names of the classes from the least to the greatest, separated by commas, such as benign,atypical,malignant. "
        + "A mistake then counts the more the further it is off. Default: classes have no order.",
        text => text,
        null);

    private readonly Option<double?> huber = CommonOptions.OptionalReal(
        "--huber",
            "Of --task numbers and maps: distance from which on an error counts linearly and no more by its square; of maps in standard deviations of the number. Default: by its square.",
            0,
            double.MaxValue);

    public Option<ClassWeighting?> ClassWeights { get; } = CommonOptions.Parsed<ClassWeighting?>(
        "--class-weights",
        "How much an image of each class counts in learning, or one that has each label: balanced, or numbers in the order of the classes, separated by commas. Default: all count once.",
        text => new(text == "balanced"
            ? null
            : [.. text.Split(',')
                .Select(number =>
                    NumberText.Real(number, "--class-weights", value => value >= 0 && double.IsFinite(value), "of at least 0"))]),
        null);

    public IEnumerable<Option> All => [Loss, focal, smoothing, InstanceLoss, Instances, Ordinal, huber, ClassWeights];

    /// <summary>What is learned by; null for the task's plain loss.</summary>
    public LossOptions? Of(ParseResult parsed, LearningTask task, IReadOnlyList<TrainingSample> training)
    {
        var weights = parsed.GetValue(ClassWeights);
        var map = parsed.GetValue(Loss);
        var loss = new LossOptions
        {
            Map = map switch
            {
                PixelLoss.Dice => MapLossKind.Dice,
                PixelLoss.DiceCrossEntropy => MapLossKind.DiceCrossEntropy,
                PixelLoss.Absolute => MapLossKind.Absolute,
                _ => null,
            },
            FocalExponent = parsed.GetValue(focal) is var exponent && exponent == 0 && map == PixelLoss.Focal
                ? UsualFocalExponent
                : exponent,
            LabelSmoothing = parsed.GetValue(smoothing),
            InstanceShare = parsed.GetValue(InstanceLoss),
            IsOrdinal = parsed.GetValue(Ordinal) is { Length: > 0 },
            HuberDistance = parsed.GetValue(huber),
            ClassWeights = weights is null ? null : weights.Numbers ?? LossOptions.BalancedWeights(task, training),
        };
        return loss == new LossOptions() ? null : loss;
    }
}
