using StreamingCnn.Interop;

namespace StreamingCnn.Models;

/// <summary>
/// Soft Dice loss plus cross-entropy, as nnU-Net trains with (Isensee and others, 2021), each with a factor: <see cref="DiceMapLoss"/> with
/// <see cref="CrossEntropyMapLoss"/>, or over logistic functions with <see cref="BinaryCrossEntropyMapLoss"/>. Both share a sweep.
/// </summary>
public sealed class DiceCrossEntropyMapLoss : MapLoss
{
    private readonly DiceMapLoss dice;
    private readonly MapLoss crossEntropy;
    private readonly double diceFactor;
    private readonly double crossEntropyFactor;

    /// <summary>Creates the loss.</summary>
    /// <param name="activation">What makes probabilities of logits, which says what the target is, too.</param>
    /// <param name="smooth">Dice's summand, above 0.</param>
    /// <param name="ignoreIndex">The target of what does not count, for both; null where all count.</param>
    /// <param name="perImage">Whether Dice has sums of its own for each image.</param>
    /// <param name="withBackground">Whether class 0 counts for Dice.</param>
    /// <param name="weights">
    /// Cross-entropy's weights: of classes, or over logistic functions of a target of 1. Null for 1.
    /// </param>
    /// <param name="diceFactor">Dice's factor.</param>
    /// <param name="crossEntropyFactor">Cross-entropy's factor.</param>
    /// <exception cref="ArgumentOutOfRangeException">The summand is not above 0, or a weight is below 0.</exception>
    public DiceCrossEntropyMapLoss(
        ClassActivation activation = ClassActivation.Softmax,
        double smooth = 1,
        long? ignoreIndex = null,
        bool perImage = false,
        bool withBackground = true,
        IReadOnlyList<double>? weights = null,
        double diceFactor = 1,
        double crossEntropyFactor = 1)
        : base(nameof(DiceCrossEntropyMapLoss))
    {
        dice = new(activation, smooth, ignoreIndex, perImage, withBackground);
        crossEntropy = activation == ClassActivation.Softmax
            ? new CrossEntropyMapLoss(weights, ignoreIndex ?? -100)
            : new BinaryCrossEntropyMapLoss(weights, ignoreIndex);
        (this.diceFactor, this.crossEntropyFactor) = (diceFactor, crossEntropyFactor);
    }

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap output, FeatureMap target, FeatureMap? mask = null) => GlobalTensor.Precisely(
        "Sum",
        losses => losses[0].Times(diceFactor).Plus(losses[1].Times(crossEntropyFactor)),
        [dice.Of(output, target, mask), crossEntropy.Of(output, target, mask)]);
}
