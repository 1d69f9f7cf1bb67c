using System.CommandLine;
using StreamingCnn.Training;

namespace StreamingCnn.Cli.Input;

/// <summary>How weights are updated: how often, by what, and at which rate.</summary>
internal sealed class UpdateOptions
{
    public Option<int> Epochs { get; } = CommonOptions.Number("--epochs", "Passes over the training images.", 8, 1);

    public Option<int> Batch { get; } = CommonOptions.Number("--batch", "Images whose gradients are added up before each update.", 4, 1);

    public Option<OptimizerKind> Optimizer { get; } = CommonOptions.Choice("--optimizer", "How weights are updated", OptimizerKind.AdamW);

    private readonly Option<double> rate = CommonOptions.Real("--rate", "Learning rate.", 1e-3, double.Epsilon, 1e6, "above 0");

    private readonly Option<double?> trunkRate = CommonOptions.OptionalReal(
        "--trunk-rate",
        "Share of the learning rate that the trunk gets, the head having all of it, such as 0.1 for pretrained weights. Default: all of it.",
        0,
        1);

    private readonly Option<double?> layerDecay = CommonOptions.OptionalReal(
        "--layer-decay",
        "By what the learning rate is multiplied from each layer or numbered block of the trunk to the one before it, such as 0.7. "
        + "Default: all layers have the same.",
        0,
        1);

    private readonly Option<double> decay = CommonOptions.Real("--decay", "Weight decay.", 1e-4, 0, 1e6, "of at least 0");

    public Option<double> Momentum { get; } =
        CommonOptions.Real("--momentum", "Momentum of sgd, from 0 to below 1.", 0.9, 0, 0.99999, "from 0 to below 1");

    public Option<LearningRateSchedule> Schedule { get; } = CommonOptions.Choice(
        "--schedule",
        "How the learning rate changes (cosine: falls to 0; step: a tenth after half of the updates, a hundredth after three quarters; "
        + "plateau: a tenth after --plateau epochs without a lower loss)",
        LearningRateSchedule.Constant);

    public Option<int> WarmUp { get; } =
        CommonOptions.Number("--warm-up", "Updates at the start in which the learning rate rises.", 0, 0);

    public Option<int> Plateau { get; } = CommonOptions.Number(
        "--plateau", "Epochs without a lower loss after which the schedule plateau lowers the learning rate.", 5, 1);

    private readonly Option<double?> clip = CommonOptions.OptionalReal(
        "--clip", "Largest norm of the gradients. Default: no limit.", 0, double.MaxValue);

    private readonly Option<double?> average = CommonOptions.OptionalReal(
        "--average", "Decay of a running average of the weights, such as 0.99; the average is the outcome. Default: none.", 0, 0.9999999);

    public Option<int> Freeze { get; } =
        CommonOptions.Number("--freeze", "Epochs at the start in which the head alone learns; at most --epochs.", 0, 0);

    public Option<bool> Balanced { get; } =
        new("--balanced") { Description = "Draw images so that every class is as likely as any other." };

    public Option<int> Patience { get; } =
        CommonOptions.Number("--patience", "Stop after so many epochs without a better validation score; 0 for never.", 0, 0);

    public IEnumerable<Option> All =>
    [
        Epochs, Batch, Optimizer, rate, trunkRate, layerDecay, decay, Momentum, Schedule, WarmUp, Plateau, clip, average, Freeze, Balanced,
        Patience,
    ];

    /// <summary>The settings of a training.</summary>
    public TrainingOptions Of(ParseResult parsed) => new()
    {
        Epochs = parsed.GetValue(Epochs),
        BatchSize = parsed.GetValue(Batch),
        Optimizer = parsed.GetValue(Optimizer),
        LearningRate = parsed.GetValue(rate),
        TrunkRate = Unless1(parsed.GetValue(trunkRate)),
        LayerDecay = Unless1(parsed.GetValue(layerDecay)),
        WeightDecay = parsed.GetValue(decay),
        Momentum = parsed.GetValue(Momentum),
        Schedule = parsed.GetValue(Schedule),
        WarmUp = parsed.GetValue(WarmUp),
        PlateauEpochs = parsed.GetValue(Plateau),
        ClipNorm = parsed.GetValue(clip),
        WeightAverage = parsed.GetValue(average),
        FrozenEpochs = parsed.GetValue(Freeze),
        Balanced = parsed.GetValue(Balanced),
        Patience = parsed.GetValue(Patience) is > 0 and var epochsToWait ? epochsToWait : null,
    };

    /// <summary>A share that is all of it is none, for a run that goes on with it.</summary>
    private static double? Unless1(double? share) => share == 1 ? null : share;
}
