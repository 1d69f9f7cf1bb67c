using StreamingCnn.Imaging;
using StreamingCnn.Models;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training;

/// <summary>
/// A model of whole images: a trunk and a head, streamed together, so that neither the trunk's output nor its gradient exists whole.
/// </summary>
/// <remarks>
/// A trunk that the engine cannot see into gives its output whole, in <see cref="StreamingMode.Overlap"/>, and the head looks at that.
/// </remarks>
public sealed class StreamingClassifier : TrainableModel
{
    private readonly StreamingModule features;
    private readonly PoolingHead head;

    // Not a component: trunk and head have their names by those two.
    private readonly StreamingModule whole;
    private readonly StreamingModule pooled;
    private readonly StreamingPyramid scoresAndMap;
    private readonly StreamingModule? withInstances;
    private readonly ForegroundJudges ofForeground;

    /// <summary>Creates the model.</summary>
    /// <param name="trunk">The trunk, [N, C, H, W] to [N, C', H', W'].</param>
    /// <param name="outputs">Numbers to put out: classes, labels, or values to predict; at least 1.</param>
    /// <param name="options">How the model is streamed; null for the defaults.</param>
    /// <param name="pooling">How the head pools.</param>
    /// <param name="dropout">Share of the pooled features that the head drops in training, in [0, 1).</param>
    /// <param name="channels">Channels C' of the trunk's output; null to take those of its last convolution.</param>
    /// <param name="poolingNumber">The pooling's number, where it has one; null for <see cref="PoolingHead.DefaultNumber"/>.</param>
    /// <param name="instances">
    /// Positions with the most and with the least attention that <see cref="Tasks.LossOptions.InstanceShare"/> is about; 0 for none.
    /// </param>
    public StreamingClassifier(
        Module<Tensor, Tensor> trunk,
        int outputs,
        StreamingOptions? options = null,
        HeadPooling pooling = HeadPooling.Average,
        double dropout = 0,
        long? channels = null,
        double? poolingNumber = null,
        int instances = 0)
        : base(nameof(StreamingClassifier))
    {
        features = new StreamingModule(trunk, options);
        head = new PoolingHead(channels ?? ModelCatalog.OutputChannels(trunk), outputs, pooling, dropout, poolingNumber, instances);
        whole = new StreamingModule(new TrunkWithHead(trunk, head), features.Options);
        pooled = new StreamingModule(new TrunkWithPooling(trunk, head), features.Options);
        scoresAndMap = new StreamingPyramid(new ScoresAndMap(trunk, head), features.Options);
        withInstances = instances > 0 ? new StreamingModule(new TrunkWithInstances(trunk, head), features.Options) : null;
        ofForeground = new(features, head);
        register_module(nameof(features), features);
        register_module(nameof(head), head);
    }

    /// <summary>The trunk by itself, streamed: its output is a whole map, which the model never has.</summary>
    public StreamingModule Features => features;

    /// <summary>What looks at the trunk's output.</summary>
    public PoolingHead Head => head;

    /// <inheritdoc/>
    public override Module<Tensor, Tensor> Trunk => features.Trunk;

    /// <inheritdoc/>
    public override StreamingOptions Options => features.Options;

    /// <summary>Scores of a batch of images in memory.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, outputs].</returns>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return IsSeenInto(input.Dimensions > 1 ? input.shape[1] : null) ? whole.call(input) : OfMap(features.call(input));
    }

    /// <summary>Scores of an image that is read window by window.</summary>
    /// <param name="image">
    /// The image; it must stay open until the backward pass is done. Of a <see cref="ForegroundSource"/> the head looks at those positions of
    /// the trunk's map alone that lie over foreground, and what these do not read is not computed.
    /// </param>
    /// <returns>[1, outputs].</returns>
    public Tensor forward(IImageSource image)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (image is ForegroundSource foreground)
            return ofForeground.Scores(foreground, IsSeenInto(image.Channels));
        return IsSeenInto(image.Channels) ? whole.forward(image) : OfMap(features.forward(image));
    }

    /// <summary>Scores of an image that is read window by window, and whose gradient is given row by row.</summary>
    /// <param name="image">The image; it must stay open until the backward pass is done.</param>
    /// <param name="gradientRows">Gets the image's gradient during the backward pass.</param>
    /// <returns>[1, outputs].</returns>
    public Tensor forward(IImageSource image, ImageGradientRows gradientRows)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(gradientRows);
        if (image is ForegroundSource)
            throw new ArgumentException("The gradient of an image is that of the whole image; give the image without its foreground.", nameof(image));
        return IsSeenInto(image.Channels)
            ? whole.forward(image, gradientRows)
            : OfMap(features.forward(image, gradientRows));
    }

    /// <summary>Scores of an image, without autograd, and the trunk's output rectangle by rectangle, in one pass.</summary>
    /// <param name="image">The image.</param>
    /// <param name="map">Where the trunk's output goes.</param>
    /// <returns>[1, outputs].</returns>
    internal Tensor Run(IImageSource image, IMapSink map)
    {
        using var grad = no_grad();
        if (image is ForegroundSource foreground)
        {
            features.Run(image, map);
            return ofForeground.Scores(foreground, IsSeenInto(image.Channels));
        }

        if (!IsSeenInto(image.Channels))
        {
            var output = features.forward(image);
            map.Begin(output.shape[0], output.shape[1], output.shape[2], output.shape[3]);
            map.Write(0, 0, output);
            return OfMap(output);
        }

        var scores = zeros(1, head.Outputs, dtype: head.Classifier.weight.dtype, device: head.Classifier.weight.device);
        using var row = new RowSink((_, values) => scores.copy_(values.flatten(1)));
        scoresAndMap.Run(image, [row, map]);
        return scores;
    }

    /// <summary>What the head pools of an image, without autograd: the features that its linear layer gets in evaluation mode.</summary>
    /// <param name="image">The image.</param>
    /// <returns>[1, C'].</returns>
    public Tensor PooledFeatures(IImageSource image)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var grad = no_grad();
        if (image is ForegroundSource foreground)
            return ofForeground.Pooled(foreground, IsSeenInto(image.Channels));
        if (IsSeenInto(image.Channels))
            return pooled.forward(image);
        using var scope = NewDisposeScope();
        using var pooling = new TrunkWithPooling(null, head);
        return pooling.call(features.forward(image)).MoveToOuterDisposeScope();
    }

    /// <summary>What a step on one image would do and cost, in the modes that the model's layers are in now.</summary>
    /// <inheritdoc cref="StreamingModule.Plan(long, long)"/>
    public override TilePlan Plan(long height, long width) => Planned(null).Plan(height, width);

    /// <inheritdoc/>
    public override TilePlan Plan(IImageSource image, IImageSource? truth = null) =>
        image is ForegroundSource foreground && IsSeenInto(image.Channels) ? ofForeground.Plan(foreground) : base.Plan(image, truth);

    /// <inheritdoc cref="StreamingModule.Plan(long, long, long)"/>
    public TilePlan Plan(long height, long width, long channels) => Planned(channels).Plan(height, width, channels);

    /// <summary>
    /// Whether trunk and head can run as one. What the engine cannot see into is refused by name, except on overlapping tiles.
    /// </summary>
    internal bool IsSeenInto(long? channels) => Options.Mode != StreamingMode.Overlap || features.SeesInto(channels);

    /// <inheritdoc/>
    internal override ImageJudgement Judge(
        LearningTask task, TrainingSample sample, IImageSource image, IImageSource? mask, LossOptions? objective)
    {
        if (task is not ScoredTask scored)
            throw new ArgumentException(
                $"A classifier gives scores of a whole image and learns no {task.Kind}; take a {nameof(StreamingSegmenter)}.",
                nameof(task));
        if (objective is { InstanceShare: > 0 })
            return JudgeInstances(scored, sample, image, objective);
        var scores = forward(image);
        var loss = scored.Loss(scores, sample);
        return new(loss, objective is null ? loss : scored.Objective(scores, sample, objective), scored.Values(scores));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            whole.Dispose();
            pooled.Dispose();
            scoresAndMap.Dispose();
            ofForeground.Dispose();
            withInstances?.Dispose();
        }

        base.Dispose(disposing);
    }

    private ImageJudgement JudgeInstances(ScoredTask task, TrainingSample sample, IImageSource image, LossOptions objective)
    {
        if (withInstances is null)
            throw new ArgumentException(
                $"{nameof(LossOptions.InstanceShare)} is above 0, but the model was made without instances; make it with some.",
                nameof(objective));
        var all = image is ForegroundSource foreground ? ofForeground.Instances(foreground, IsSeenInto(image.Channels))
            : IsSeenInto(image.Channels) ? withInstances.forward(image) : InstancesOfMap(features.forward(image));
        var (outputs, picked) = (head.Outputs, 2L * head.Outputs * head.Instances);
        var scores = all.narrow(1, 0, outputs);
        var most = all.narrow(1, outputs, picked).reshape(2 * outputs, head.Instances);
        var least = all.narrow(1, outputs + picked, picked).reshape(2 * outputs, head.Instances);
        // Held until libtorch has read them.
        using Scalar share = objective.InstanceShare, rest = 1 - objective.InstanceShare, one = 1;
        var learned = task.Objective(scores, sample, objective).mul(rest)
            .add(ClassificationTask.InstanceLoss(most, least, sample.Label).mul(share), one);
        return new(task.Loss(scores, sample), learned, task.Values(scores));
    }

    private Tensor InstancesOfMap(Tensor map)
    {
        using var network = new TrunkWithInstances(null, head);
        using (map)
            return network.call(map);
    }

    private StreamingModule Planned(long? channels) => IsSeenInto(channels) ? whole : features;

    private Tensor OfMap(Tensor map)
    {
        using (map)
            return head.call(map);
    }
}
