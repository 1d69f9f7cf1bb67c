using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Losses;

/// <summary>
/// A loss, the targets that it takes, and its formula on whole tensors, written with PyTorch's functions where it has them.
/// </summary>
/// <param name="Loss">The loss.</param>
/// <param name="Kind">What its targets are.</param>
/// <param name="Formula">Of logits [N, 3, H, W], a target, and where positions count, [N, 1, H, W] of bool.</param>
internal sealed record LossCase(MapLoss Loss, LossTarget Kind, Func<Tensor, Tensor, Tensor, Tensor> Formula)
{
    public const int Classes = 3;
    public const long Ignored = 255;

    private static readonly double[] Weights = [0.5, 2, 1.25];

    private static readonly Dictionary<string, Func<LossCase>> All = new()
    {
        ["cross-entropy"] = () => OfClasses(new CrossEntropyMapLoss(ignoreIndex: Ignored), (z, t) => Entropy(z, t)),
        ["cross-entropy, weighted"] = () => OfClasses(new CrossEntropyMapLoss(Weights, Ignored), (z, t) => Entropy(z, t, Weights)),
        ["cross-entropy, summed"] = () => OfClasses(
            new CrossEntropyMapLoss(Weights, Ignored, Reduction.Sum), (z, t) => Entropy(z, t, Weights, Reduction.Sum)),
        ["binary cross-entropy"] = () => Elementwise(
            new BinaryCrossEntropyMapLoss(), LossTarget.Probabilities, (z, t) => Binary(z, t)),
        ["binary cross-entropy, weighted"] = () => Elementwise(
            new BinaryCrossEntropyMapLoss(Weights), LossTarget.Probabilities, (z, t) => Binary(z, t, Weights)),
        ["binary cross-entropy, with an ignored value"] = () => Ignoring(
            new BinaryCrossEntropyMapLoss(Weights, Ignored, Reduction.Sum), (z, t) => Binary(z, t, Weights), Reduction.Sum),
        ["Dice"] = () => Dice(new DiceMapLoss(ignoreIndex: Ignored)),
        ["Dice, per image, without background"] = () => Dice(
            new DiceMapLoss(smooth: 1e-3, ignoreIndex: Ignored, perImage: true, withBackground: false), 1e-3, perImage: true, first: 1),
        ["Dice, squared"] = () => Dice(new DiceMapLoss(smooth: 0.1, ignoreIndex: Ignored, squared: true), 0.1, squared: true),
        ["Dice of logistic functions"] = () => new(
            new DiceMapLoss(ClassActivation.Sigmoid, ignoreIndex: Ignored),
            LossTarget.ZeroOneOrIgnored,
            (z, t, valid) => SoftDice(z.sigmoid(), t, valid.logical_and(t.ne(Ignored)), 1, false, 0, false)),
        ["Dice and cross-entropy"] = () => new(
            new DiceCrossEntropyMapLoss(ignoreIndex: Ignored, weights: Weights, diceFactor: 0.7, crossEntropyFactor: 1.5),
            LossTarget.Classes,
            (z, t, valid) => (0.7 * OfSoftmax(z, t, valid, 1, false, 0, false)) + (1.5 * Entropy(z, Marked(t, valid), Weights))),
        ["Dice and binary cross-entropy"] = () => new(
            new DiceCrossEntropyMapLoss(ClassActivation.Sigmoid, smooth: 2),
            LossTarget.ZeroOrOne,
            (z, t, valid) => SoftDice(z.sigmoid(), t, valid.expand_as(t), 2, false, 0, false) + Mean(Binary(z, t), valid)),
        ["focal"] = () => OfClasses(new FocalMapLoss(ignoreIndex: Ignored), (z, t) => Focal(z, t, 2, null, Reduction.Mean)),
        ["focal, with factors, summed"] = () => OfClasses(
            new FocalMapLoss(0.5, Weights, Ignored, Reduction.Sum), (z, t) => Focal(z, t, 0.5, Weights, Reduction.Sum)),
        ["binary focal"] = () => Elementwise(new BinaryFocalMapLoss(), LossTarget.ZeroOrOne, (z, t) => BinaryFocal(z, t, 2, 0.25)),
        ["binary focal, without a factor"] = () => Ignoring(
            new BinaryFocalMapLoss(0.5, null, Ignored), (z, t) => BinaryFocal(z, t, 0.5, null), Reduction.Mean),
        ["L1"] = () => Elementwise(
            new L1MapLoss(), LossTarget.Numbers, (z, t) => functional.l1_loss(z, t, Reduction.None)),
        ["L2"] = () => Elementwise(
            new L2MapLoss(), LossTarget.Numbers, (z, t) => functional.mse_loss(z, t, Reduction.None)),
        ["L2, summed"] = () => Elementwise(
            new L2MapLoss(reduction: Reduction.Sum), LossTarget.Numbers, (z, t) => (z - t).square(), Reduction.Sum),
        ["Huber"] = () => Elementwise(
            new HuberMapLoss(0.6), LossTarget.Numbers, (z, t) => functional.huber_loss(z, t, 0.6, Reduction.None)),
        ["L1, with missing numbers"] = () => Measured(
            new L1MapLoss { IgnoresMissing = true }, (z, t) => functional.l1_loss(z, t, Reduction.None), Reduction.Mean),
        ["L2, with missing numbers, summed"] = () => Measured(
            new L2MapLoss(reduction: Reduction.Sum) { IgnoresMissing = true }, (z, t) => (z - t).square(), Reduction.Sum),
    };

    public static IEnumerable<string> Names => All.Keys;

    public static LossCase Named(string name) => All[name]();

    /// <summary>Random targets, of the type that a data set would have.</summary>
    public Tensor Target(long batch, long height, long width)
    {
        long[] shape = [batch, Kind == LossTarget.Classes ? 1 : Classes, height, width];
        var ignored = rand(shape).lt(0.2);
        return Kind switch
        {
            LossTarget.Classes => randint(0, Classes, shape, ScalarType.Int64).masked_fill(ignored, Ignored),
            LossTarget.ZeroOrOne => randint(0, 2, shape, ScalarType.Byte),
            LossTarget.ZeroOneOrIgnored => randint(0, 2, shape, ScalarType.Byte).masked_fill(ignored, Ignored),
            LossTarget.Probabilities => rand(shape, ScalarType.Float64),
            LossTarget.NumbersOrMissing => randn(shape, ScalarType.Float64).masked_fill(ignored, double.NaN),
            _ => randn(shape, ScalarType.Float64),
        };
    }

    /// <summary>The loss by its formula.</summary>
    /// <param name="output">Logits, float64.</param>
    /// <param name="target">The target.</param>
    /// <param name="mask">Where positions count; null for everywhere.</param>
    public Tensor Of(Tensor output, Tensor target, Tensor? mask)
    {
        var valid = mask?.to(ScalarType.Bool).any(1, keepdim: true)
            ?? ones(output.shape[0], 1, output.shape[2], output.shape[3], dtype: ScalarType.Bool);
        return Formula(output, target.to(ScalarType.Float64), valid);
    }

    private static LossCase OfClasses(MapLoss loss, Func<Tensor, Tensor, Tensor> formula) =>
        new(loss, LossTarget.Classes, (z, t, valid) => formula(z, Marked(t, valid)));

    private static LossCase Elementwise(
        MapLoss loss, LossTarget kind, Func<Tensor, Tensor, Tensor> formula, Reduction reduction = Reduction.Mean) =>
        new(loss, kind, (z, t, valid) => Total(formula(z, t), valid, reduction));

    private static LossCase Ignoring(MapLoss loss, Func<Tensor, Tensor, Tensor> formula, Reduction reduction) => new(
        loss,
        LossTarget.ZeroOneOrIgnored,
        (z, t, valid) => Total(formula(z, t.masked_fill(t.eq(Ignored), 0)), valid.logical_and(t.ne(Ignored)), reduction));

    private static LossCase Measured(MapLoss loss, Func<Tensor, Tensor, Tensor> formula, Reduction reduction) => new(
        loss,
        LossTarget.NumbersOrMissing,
        (z, t, valid) => Total(formula(z, t.nan_to_num(0)), valid.logical_and(t.isnan().logical_not()), reduction));

    private static LossCase Dice(MapLoss loss, double smooth = 1, bool perImage = false, int first = 0, bool squared = false) =>
        new(loss, LossTarget.Classes, (z, t, valid) => OfSoftmax(z, t, valid, smooth, perImage, first, squared));

    /// <summary>Classes as PyTorch takes them, [N, H, W], with what does not count ignored.</summary>
    private static Tensor Marked(Tensor target, Tensor valid) =>
        target.masked_fill(valid.logical_not(), Ignored).squeeze(1).to(ScalarType.Int64);

    private static Tensor Entropy(Tensor z, Tensor classes, double[]? weights = null, Reduction reduction = Reduction.Mean) =>
        functional.cross_entropy(
            z, classes, weights is null ? null : tensor(weights), ignore_index: Ignored, reduction: reduction);

    private static Tensor Binary(Tensor z, Tensor target, double[]? positive = null) =>
        functional.binary_cross_entropy_with_logits(
            z, target, reduction: Reduction.None, pos_weights: positive is null ? null : tensor(positive).reshape(-1, 1, 1));

    private static Tensor Mean(Tensor errors, Tensor valid) => Total(errors, valid, Reduction.Mean);

    private static Tensor Total(Tensor errors, Tensor valid, Reduction reduction)
    {
        var counted = errors.masked_select(valid.expand_as(errors));
        return reduction == Reduction.Mean ? counted.mean() : counted.sum();
    }

    private static Tensor OfSoftmax(
        Tensor z, Tensor target, Tensor valid, double smooth, bool perImage, int first, bool squared)
    {
        var counts = valid.logical_and(target.ne(Ignored)).expand_as(z);
        var classes = target.masked_fill(target.eq(Ignored), 0).squeeze(1).to(ScalarType.Int64);
        var there = functional.one_hot(classes, Classes).permute(0, 3, 1, 2).to(ScalarType.Float64);
        return SoftDice(z.softmax(1), there, counts, smooth, perImage, first, squared);
    }

    private static Tensor SoftDice(Tensor p, Tensor target, Tensor counts, double smooth, bool perImage, int first, bool squared)
    {
        long[] over = perImage ? [2, 3] : [0, 2, 3];
        var (seen, there) = (p.masked_fill(counts.logical_not(), 0), target.masked_fill(counts.logical_not(), 0));
        var both = (seen * there).sum(over);
        var all = (squared ? seen * seen : seen).sum(over) + there.sum(over);
        var dice = ((2 * both) + smooth) / (all + smooth);
        return 1 - dice.narrow(-1, first, Classes - first).mean();
    }

    private static Tensor Focal(Tensor z, Tensor classes, double gamma, double[]? alpha, Reduction reduction)
    {
        var isIgnored = classes.eq(Ignored);
        var known = classes.masked_fill(isIgnored, 0);
        var p = z.softmax(1).gather(1, known.unsqueeze(1)).squeeze(1);
        var loss = -(1 - p).pow(gamma) * p.log();
        if (alpha is not null)
            loss *= tensor(alpha).index_select(0, known.flatten()).reshape(known.shape);
        return Total(loss, isIgnored.logical_not(), reduction);
    }

    private static Tensor BinaryFocal(Tensor z, Tensor target, double gamma, double? alpha)
    {
        var p = z.sigmoid();
        var right = (p * target) + ((1 - p) * (1 - target));
        var loss = Binary(z, target) * (1 - right).pow(gamma);
        return alpha is { } share ? loss * ((share * target) + ((1 - share) * (1 - target))) : loss;
    }
}
