using System.Globalization;
using StreamingCnn.Models;
using StreamingCnn.Reductions;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>
/// What looks at a trunk's whole output: pooling over all positions, dropout, and a linear layer. Streamed behind a trunk it takes the
/// output rectangle by rectangle, so that the map never exists whole; as a module of its own it takes a whole map.
/// </summary>
public sealed class PoolingHead : StreamingHead
{
    private const long AttentionWidth = 128;

    private readonly Linear? attentionV;
    private readonly Linear? attentionU;
    private readonly Linear? attentionWeight;
    private readonly Linear? instanceClassifier;
    private readonly Dropout dropout;
    private readonly Linear classifier;
    private readonly Func<FeatureMap, FeatureMap?, GlobalTensor> pool;

    /// <summary>Creates the head.</summary>
    /// <param name="channels">Channels of the trunk's output.</param>
    /// <param name="outputs">Numbers to put out, at least 1.</param>
    /// <param name="pooling">How to pool.</param>
    /// <param name="dropout">Share of the pooled features to drop in training, in [0, 1).</param>
    /// <param name="number">
    /// The number of a pooling that has one, above 0: r of <see cref="HeadPooling.LogSumExp"/>, p of <see cref="HeadPooling.GeM"/>, k of
    /// <see cref="HeadPooling.TopK"/>, which is whole. Null for <see cref="DefaultNumber"/>.
    /// </param>
    /// <param name="instances">
    /// Positions with the most and with the least attention that are classified by themselves in training
    /// (<see cref="Tasks.LossOptions.InstanceShare"/>); 0 for none. Of <see cref="HeadPooling.Attention"/> alone.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    /// <exception cref="ArgumentException">A number is given for a pooling that has none.</exception>
    public PoolingHead(
        long channels,
        int outputs,
        HeadPooling pooling = HeadPooling.Average,
        double dropout = 0,
        double? number = null,
        int instances = 0)
        : base(nameof(PoolingHead))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(outputs, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(dropout);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(dropout, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(instances);
        if (instances > 0 && pooling != HeadPooling.Attention)
            throw new ArgumentException(
                $"{nameof(instances)} is {instances}, but {pooling} pooling has no attention that would pick them; leave it out.",
                nameof(instances));
        Instances = instances;
        Pooling = pooling;
        Number = Valid(pooling, number);
        if (pooling == HeadPooling.Attention)
        {
            attentionV = Linear(channels, AttentionWidth);
            attentionU = Linear(channels, AttentionWidth);
            attentionWeight = Linear(AttentionWidth, 1);
        }

        pool = pooling switch
        {
            HeadPooling.Average => (map, mask) => mask is null ? map.Mean() : new MeanPooling().Of(map, mask),
            HeadPooling.Max => (map, mask) => mask is null ? map.Max() : new MaxPooling().Of(map, mask),
            HeadPooling.Attention => Attended,
            HeadPooling.LogSumExp => Through(new LogSumExpPooling(Number!.Value)),
            HeadPooling.GeM => Through(new GeMPooling(Number!.Value)),
            HeadPooling.TopK => Through(new TopKPooling((long)Number!.Value)),
            _ => throw new ArgumentOutOfRangeException(nameof(pooling), pooling, "There is no such pooling."),
        };
        this.dropout = Dropout(dropout);
        classifier = Linear(channels, outputs);
        if (instances > 0)
            instanceClassifier = Linear(channels, 2 * outputs);
        RegisterComponents();
    }

    /// <summary>How the head pools.</summary>
    public HeadPooling Pooling { get; }

    /// <summary>The pooling's number; null where it has none.</summary>
    public double? Number { get; }

    /// <summary>Positions with the most and with the least attention that are classified by themselves in training; 0 for none.</summary>
    public int Instances { get; }

    /// <summary>Numbers that it puts out.</summary>
    public int Outputs => (int)classifier.weight.shape[0];

    /// <summary>The linear layer from pooled features to outputs; its weight is [outputs, channels].</summary>
    public Linear Classifier => classifier;

    /// <summary>The number that a pooling has where none is given; null where it has none.</summary>
    public static double? DefaultNumber(HeadPooling pooling) => pooling switch
    {
        HeadPooling.LogSumExp => 5,
        HeadPooling.GeM => 4,
        HeadPooling.TopK => 10,
        _ => null,
    };

    /// <inheritdoc/>
    public override GlobalTensor Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Trace(input, null);
    }

    /// <summary>The outputs of the positions of a map that count.</summary>
    /// <param name="input">The map.</param>
    /// <param name="mask">Of its size and one channel, not 0 where positions count; null where all do.</param>
    internal GlobalTensor Trace(FeatureMap input, FeatureMap? mask) => Pool(input, mask).Through(dropout).Through(classifier);

    /// <summary>What the linear layer gets, but for dropout: a vector of the map's channels.</summary>
    /// <inheritdoc cref="Trace(FeatureMap, FeatureMap?)"/>
    internal GlobalTensor Pool(FeatureMap input, FeatureMap? mask = null) => pool(input, mask);

    /// <summary>
    /// The outputs and behind them what is said of instances, [N, outputs + 4 outputs instances]: for each output whether an instance is
    /// none of it and whether it is, first of those with the most attention, then of those with the least.
    /// </summary>
    /// <inheritdoc cref="Trace(FeatureMap, FeatureMap?)"/>
    internal GlobalTensor TraceInstances(FeatureMap input, FeatureMap? mask = null)
    {
        var attention = Attention(input);
        var scores = Attended(input, attention, mask).Through(dropout).Through(classifier);
        var judged = input.Through(instanceClassifier!);
        var most = Picked(least: false);
        var least = Picked(least: true);
        return GlobalTensor.Combine(
            tensors => cat([tensors[0], tensors[1].flatten(1), tensors[2].flatten(1)], 1), [scores, most, least]);

        GlobalTensor Picked(bool least) => mask is null
            ? judged.Reduce(new SelectedReduction(Instances, least), attention)[0]
            : judged.Reduce(new SelectedReduction(Instances, least, masked: true), attention, mask)[0];
    }

    /// <summary>The scores of which <see cref="HeadPooling.Attention"/> takes the softmax over all positions.</summary>
    /// <param name="map">The trunk's output.</param>
    /// <returns>A map of one channel.</returns>
    internal FeatureMap Attention(FeatureMap map) => GatedAttentionPooling.Scores(map, attentionV!, attentionU!, attentionWeight!);

    private GlobalTensor Attended(FeatureMap map, FeatureMap? mask) => Attended(map, Attention(map), mask);

    private static GlobalTensor Attended(FeatureMap map, FeatureMap attention, FeatureMap? mask) => mask is null
        ? map.Reduce(new SoftmaxSumReduction(), attention)[0]
        : map.Reduce(new SoftmaxSumReduction(masked: true), attention, mask)[0];

    /// <summary>By the module itself, which an export knows by its type. It has no parameters, so no name either.</summary>
    private static Func<FeatureMap, FeatureMap?, GlobalTensor> Through(MapPooling pooling) =>
        (map, mask) => mask is null ? map.Pooled(pooling) : pooling.Of(map, mask);

    private static double? Valid(HeadPooling pooling, double? number)
    {
        if (number is not { } given)
            return DefaultNumber(pooling);
        if (DefaultNumber(pooling) is null)
        {
            throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"{nameof(number)} is {given}, but {pooling} pooling has none; leave it out."),
                nameof(number));
        }

        var isWhole = given == Math.Floor(given) && given <= int.MaxValue;
        var isValid = double.IsFinite(given) && given > 0 && (pooling != HeadPooling.TopK || isWhole);
        return isValid
            ? given
            : throw new ArgumentOutOfRangeException(
                nameof(number), given, $"The number of {pooling} pooling is above 0{(pooling == HeadPooling.TopK ? ", and whole" : "")}.");
    }
}
