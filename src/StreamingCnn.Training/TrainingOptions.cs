using System.Text.Json.Serialization;

namespace StreamingCnn.Training;

/// <summary>Settings of a <see cref="Trainer"/>.</summary>
public sealed record TrainingOptions
{
    /// <summary>Passes over the training images.</summary>
    /// <value>The default value is 20.</value>
    public int Epochs { get; init; } = 20;

    /// <summary>
    /// Images whose gradients are added up before each update. They are run one after the other, so that they may differ in size.
    /// </summary>
    /// <value>The default value is 8.</value>
    public int BatchSize { get; init; } = 8;

    /// <summary>How parameters are updated.</summary>
    /// <value>The default value is <see cref="OptimizerKind.AdamW"/>.</value>
    public OptimizerKind Optimizer { get; init; }

    /// <summary>Learning rate.</summary>
    /// <value>The default value is 0.001.</value>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Share of the learning rate that the trunk gets, where the head gets all of it: above 0, at most 1.</summary>
    /// <value>The default value is null: all of it.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? TrunkRate { get; init; }

    /// <summary>
    /// By what the learning rate is multiplied from each layer of the trunk to the one before it, beginning behind the last one: above 0,
    /// at most 1. A layer is a convolution, or a block where the network numbers its blocks.
    /// </summary>
    /// <value>The default value is null: all layers have the same.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? LayerDecay { get; init; }

    /// <summary>Weight decay.</summary>
    /// <value>The default value is 0.0001.</value>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>Momentum of <see cref="OptimizerKind.Sgd"/>, in [0, 1).</summary>
    /// <value>The default value is 0.9.</value>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Seed of the order in which images come.</summary>
    /// <value>The default value is 1.</value>
    public int Seed { get; init; } = 1;

    /// <summary>How the learning rate changes over the updates.</summary>
    /// <value>The default value is <see cref="LearningRateSchedule.Constant"/>.</value>
    public LearningRateSchedule Schedule { get; init; }

    /// <summary>Updates at the start in which the learning rate rises linearly from near 0.</summary>
    /// <value>The default value is 0.</value>
    public int WarmUp { get; init; }

    /// <summary>Epochs without a lower loss after which <see cref="LearningRateSchedule.Plateau"/> lowers the rate.</summary>
    /// <value>The default value is 5.</value>
    public int PlateauEpochs { get; init; } = 5;

    /// <summary>Largest Euclidean norm of all gradients together; longer ones are shortened to it before an update.</summary>
    /// <value>The default value is null: gradients are taken as they are.</value>
    public double? ClipNorm { get; init; }

    /// <summary>
    /// Decay of a running average of all weights, taken after every update; in [0, 1). Where it is set, images are judged with the averaged
    /// weights, and these are the outcome. After few updates the decay is lower, (1 + updates) / (10 + updates), so that the first weights
    /// are soon forgotten. Running statistics of norms are averaged likewise; what is no floating-point number is copied.
    /// </summary>
    /// <value>The default value is null: no average.</value>
    public double? WeightAverage { get; init; }

    /// <summary>
    /// Epochs at the start in which the trunk is left as it is and the head alone learns: for a trunk with pretrained weights.
    /// </summary>
    /// <value>The default value is 0.</value>
    public int FrozenEpochs { get; init; }

    /// <summary>
    /// Draw images with replacement so that every class is as likely as any other, instead of each image once in an epoch.
    /// </summary>
    /// <value>The default value is false.</value>
    public bool Balanced { get; init; }

    /// <summary>Stop after so many epochs without a better score on the validation images.</summary>
    /// <value>The default value is null: never early.</value>
    public int? Patience { get; init; }

    /// <summary>What is learned by.</summary>
    /// <value>The default value is null: the task's loss.</value>
    public Tasks.LossOptions? Loss { get; init; }

    /// <summary>
    /// What the best epoch is chosen by, of the validation images, and what <see cref="Patience"/> waits for: one of
    /// <see cref="Metrics.MonitoredMetric.Names"/>. Of equal epochs the one with the lowest loss is the best.
    /// </summary>
    /// <value>The default value is null: the task's score.</value>
    public string? Monitor { get; init; }

    /// <summary>
    /// File that holds all that a run needs to go on where it was interrupted, written after every epoch and when training is cancelled.
    /// </summary>
    /// <value>The default value is null: no such file.</value>
    public string? Checkpoint { get; init; }

    /// <summary>Images after which the checkpoint is written within an epoch as well; 0 for after epochs alone.</summary>
    /// <value>The default value is 0.</value>
    public int CheckpointInterval { get; init; }

    /// <summary>
    /// What else decides the outcome and must be the same when a run is resumed, by name: how images are read and
    /// changed, what the outputs mean.
    /// </summary>
    /// <value>The default value is nothing.</value>
    public IReadOnlyDictionary<string, string> Conditions { get; init; } = new Dictionary<string, string>();

    /// <exception cref="ArgumentException">A setting is out of its range; all such settings are named.</exception>
    internal void Validate()
    {
        var problems = new List<string>();
        Require(Epochs >= 1, nameof(Epochs), Epochs, "must be at least 1");
        Require(BatchSize >= 1, nameof(BatchSize), BatchSize, "must be at least 1");
        Require(Enum.IsDefined(Optimizer), nameof(Optimizer), Optimizer, "is no OptimizerKind");
        Require(LearningRate > 0 && double.IsFinite(LearningRate), nameof(LearningRate), LearningRate, "must be a positive number");
        Require(TrunkRate is null or (> 0 and <= 1), nameof(TrunkRate), TrunkRate, "must be above 0 and at most 1");
        Require(LayerDecay is null or (> 0 and <= 1), nameof(LayerDecay), LayerDecay, "must be above 0 and at most 1");
        Require(WeightDecay >= 0 && double.IsFinite(WeightDecay), nameof(WeightDecay), WeightDecay, "must be 0 or a positive number");
        Require(Momentum is >= 0 and < 1, nameof(Momentum), Momentum, "must be from 0 to below 1");
        Require(Enum.IsDefined(Schedule), nameof(Schedule), Schedule, "is no LearningRateSchedule");
        Require(WarmUp >= 0, nameof(WarmUp), WarmUp, "must be 0 or a positive number of updates");
        Require(PlateauEpochs >= 1, nameof(PlateauEpochs), PlateauEpochs, "must be at least 1 epoch");
        Require(
            ClipNorm is null || (ClipNorm > 0 && double.IsFinite(ClipNorm.Value)), nameof(ClipNorm), ClipNorm, "must be a positive number");
        Require(WeightAverage is null or (>= 0 and < 1), nameof(WeightAverage), WeightAverage, "must be from 0 to below 1");
        Require(FrozenEpochs >= 0, nameof(FrozenEpochs), FrozenEpochs, "must be 0 or a positive number of epochs");
        Require(
            FrozenEpochs <= Math.Max(Epochs, 1),
            nameof(FrozenEpochs),
            FrozenEpochs,
            $"must not be more than the {Epochs} of {nameof(Epochs)}");
        Require(Patience is null or >= 1, nameof(Patience), Patience, "must be at least 1 epoch");
        Require(CheckpointInterval >= 0, nameof(CheckpointInterval), CheckpointInterval, "must be 0 or a positive number of images");
        if (problems.Count > 0)
            throw new ArgumentException($"The training options cannot be used: {string.Join("; ", problems)}.");

        void Require(bool holds, string name, object? value, string rule)
        {
            if (!holds)
                problems.Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name} is {value}, but {rule}"));
        }
    }
}
