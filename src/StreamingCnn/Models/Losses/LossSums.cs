using System.Globalization;
using StreamingCnn.Interop;
using StreamingCnn.Reductions;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Models;

/// <summary>The sums over positions that a loss is made of: operands are the output, the target, and the mask where there is one.</summary>
/// <param name="name">The loss's name.</param>
/// <param name="count">How many sums there are.</param>
/// <param name="terms">What positions add to them, each [N, K, h, w] of its own K; it is recorded by autograd.</param>
internal sealed class LossSums(string name, int count, Func<LossPositions, Tensor[]> terms) : MapReduction
{
    /// <summary>What targets are.</summary>
    public required TargetValues Values { get; init; }

    /// <summary>The target that does not count; null where each does.</summary>
    public long? Ignored { get; init; }

    /// <summary>Whether a target that is no number does not count.</summary>
    public bool IgnoresMissing { get; init; }

    /// <summary>For how many classes the loss has weights; null where any number is right.</summary>
    public int? Classes { get; init; }

    /// <summary>Whether a mask's values are weights.</summary>
    public bool MaskWeighs { get; init; }

    /// <summary>Whether there is a mask.</summary>
    public required bool IsMasked { get; init; }

    /// <inheritdoc/>
    public override string Name => name;

    /// <inheritdoc/>
    public override int Operands => IsMasked ? 3 : 2;

    /// <inheritdoc/>
    public override int Results => count;

    /// <inheritdoc/>
    public override IReadOnlyList<int> Selectors => (SomeDoNotCount, IsMasked) switch
    {
        (true, true) => [1, 2],
        (true, false) => [1],
        (false, true) => [2],
        _ => [],
    };

    /// <inheritdoc/>
    public override Tensor Selected(IReadOnlyList<Tensor> selectors)
    {
        ArgumentNullException.ThrowIfNull(selectors);
        using var scope = NewDisposeScope();
        var counted = Counted(SomeDoNotCount ? selectors[0] : null, IsMasked ? selectors[^1] : null)!;
        return counted.any(1, keepdim: true).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override void Check(IReadOnlyList<long> channels)
    {
        ArgumentNullException.ThrowIfNull(channels);
        var (output, target) = (channels[0], channels[1]);
        if (Values == TargetValues.Classes && output < 2)
            throw new ArgumentException($"tells classes apart, but the output has {output} channel; give it one for each class, or take a loss of logistic functions");
        if (Classes is { } classes && output != classes)
            throw new ArgumentException($"has weights for {classes} classes, but the output has {output} channels; give one for each");
        if (Values == TargetValues.Classes && target != 1)
            throw new ArgumentException(
                $"takes a target of 1 channel with class indices, but it has {target}; give the index of each position's class");
        if (Values != TargetValues.Classes && target != output)
            throw new ArgumentException(
                $"takes a target with as many channels as the output, {output}, but it has {target}; give one for each");
        if (MaskWeighs && IsMasked && channels[2] != 1 && channels[2] != output)
            throw new ArgumentException($"takes weights of 1 channel, or of as many as the output, {output}, but they have {channels[2]}");
    }

    /// <inheritdoc/>
    public override ReductionRun Start(ReductionShape shape) => new LossSumsRun(this, shape, count);

    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps)
    {
        ArgumentNullException.ThrowIfNull(maps);
        var shape = maps[0].shape;
        foreach (var (what, other) in maps.Skip(1).Select((map, index) => (index == 0 ? "target" : "mask", map.shape)))
        {
            if (other[0] != shape[0] || other[2] != shape[2] || other[3] != shape[3])
                throw new ArgumentException($"{name} has an output of {shape[0]} images, {shape[2]} x {shape[3]}, but a {what} of {other[0]} images, {other[2]} x {other[3]}; give one of the output's size.");
        }

        return Array.ConvertAll(Terms(maps[0], maps[1], maps.ElementAtOrDefault(2), 0, 0), term => term.sum([2, 3]));
    }

    /// <summary>The mean or the sum of the first of two sums, the second being of what positions count with.</summary>
    /// <param name="output">The map that is judged.</param>
    /// <param name="target">What it should be.</param>
    /// <param name="mask">Where positions count, if there is one.</param>
    /// <param name="reduction">Which of both.</param>
    public GlobalTensor Of(FeatureMap output, FeatureMap target, FeatureMap? mask, nn.Reduction reduction) =>
        Of(output, target, mask, totals => LossTotals.Of(name, totals, reduction));

    /// <summary>The loss that a function makes of the sums.</summary>
    /// <param name="output">The map that is judged.</param>
    /// <param name="target">What it should be.</param>
    /// <param name="mask">Where positions count, if there is one.</param>
    /// <param name="value">From the sums, [N, K] each, to [1, 1].</param>
    public GlobalTensor Of(FeatureMap output, FeatureMap target, FeatureMap? mask, Func<IReadOnlyList<Tensor>, Tensor> value)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(target);
        return GlobalTensor.Precisely(name, value, output.Reduce(this, mask is null ? [target] : [target, mask]));
    }

    /// <summary>What positions add.</summary>
    /// <param name="output">The output's values at them, of which autograd records it.</param>
    /// <param name="target">The target's values at them.</param>
    /// <param name="mask">The mask's, where there is one.</param>
    /// <param name="top">The map's row that their first row is.</param>
    /// <param name="left">The map's column that their first column is.</param>
    /// <exception cref="ArgumentException">A target that counts is out of its range.</exception>
    public Tensor[] Terms(Tensor output, Tensor target, Tensor? mask, long top, long left)
    {
        var counts = Counted(target, mask);
        if (counts is null)
            return Of(new(output, target, null));
        var removed = counts.logical_not();
        var weight = MaskWeighs && mask is not null ? mask.masked_fill(removed, SmallTensors.Zero) : counts.to(output.dtype);
        return Of(new(output.masked_fill(removed, SmallTensors.Zero), target.masked_fill(removed, SmallTensors.Zero), weight));

        Tensor[] Of(LossPositions positions)
        {
            CheckTarget(positions.Target.detach(), output.shape[1], top, left);
            return terms(positions with { Target = positions.Target.detach() });
        }
    }

    /// <summary>Where positions and channels count; null where all do.</summary>
    private Tensor? Counted(Tensor? target, Tensor? mask)
    {
        var counts = mask is null ? null : MaskWeighs ? mask.to(ScalarType.Bool) : mask.to(ScalarType.Bool).any(1, keepdim: true);
        if (!SomeDoNotCount)
            return counts;
        var isKept = IsKept(target!);
        return counts?.logical_and(isKept) ?? isKept;
    }

    private bool SomeDoNotCount => Ignored is not null || IgnoresMissing;

    private Tensor IsKept(Tensor target)
    {
        if (Ignored is not { } ignored)
            return target.isnan().logical_not();
        using Scalar passedOver = ignored;
        return target.ne(passedOver);
    }

    private void CheckTarget(Tensor target, long classes, long top, long left)
    {
        using var scope = NewDisposeScope();
        using Scalar last = classes - 1;
        var isRight = Values switch
        {
            TargetValues.Classes => target.eq(target.floor()).logical_and(target.ge(SmallTensors.Zero)).logical_and(target.le(last)),
            TargetValues.ZeroOrOne => target.eq(SmallTensors.Zero).logical_or(target.eq(SmallTensors.One)),
            TargetValues.Probabilities => target.ge(SmallTensors.Zero).logical_and(target.le(SmallTensors.One)),
            _ => null,
        };
        if (isRight is null || isRight.all().item<bool>())
            return;
        var place = isRight.logical_not().nonzero()[0].cpu().data<long>().ToArray();
        var number = target[place[0], place[1], place[2], place[3]].to(ScalarType.Float64).item<double>();
        var value = number.ToString(CultureInfo.InvariantCulture);
        var (row, column) = (top + place[2], left + place[3]);
        throw new ArgumentException(Values switch
        {
            TargetValues.Classes => $"{name} has the target {value} at row {row}, column {column} of image {place[0]}, but classes are whole numbers from 0 to {classes - 1}; mend it, or name it as the index to be ignored.",
            TargetValues.ZeroOrOne => $"{name} has the target {value} at row {row}, column {column} of image {place[0]}, where 0 or 1 is needed; mend it, or name it as the index to be ignored.",
            _ => $"{name} has the target {value} at row {row}, column {column} of image {place[0]}, but probabilities lie between 0 and 1; divide it by its largest value, or mask it.",
        });
    }
}
