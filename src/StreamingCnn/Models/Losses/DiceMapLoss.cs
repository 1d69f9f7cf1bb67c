using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Models;

/// <summary>
/// Soft Dice loss (Milletari, Navab and Ahmadi, arXiv 1606.04797): 1 less the mean over classes of (2 Σ p t + s) / (Σ p + Σ t + s), where p
/// are the probabilities and t the target's zeros and ones.
/// </summary>
/// <remarks>
/// The sums go over all positions of the batch, or with <c>perImage</c> over those of each image, of which the mean is taken then. Of a
/// single image both are the same.
/// </remarks>
public sealed class DiceMapLoss : MapLoss
{
    private readonly ClassActivation activation;
    private readonly double smooth;
    private readonly long? ignoreIndex;
    private readonly bool perImage;
    private readonly bool withBackground;
    private readonly bool squared;

    /// <summary>Creates the loss.</summary>
    /// <param name="activation">What makes probabilities of logits, which says what the target is, too.</param>
    /// <param name="smooth">The summand s, above 0; a class that is neither there nor seen has a Dice of 1 by it.</param>
    /// <param name="ignoreIndex">
    /// The target of what does not count: the index of a position's class, or the value in a channel. Null where all count.
    /// </param>
    /// <param name="perImage">Whether each image has sums of its own.</param>
    /// <param name="withBackground">Whether class 0 counts.</param>
    /// <param name="squared">Whether the divisor has Σ p² rather than Σ p, as published.</param>
    /// <exception cref="ArgumentOutOfRangeException">The summand is not above 0.</exception>
    public DiceMapLoss(
        ClassActivation activation = ClassActivation.Softmax,
        double smooth = 1,
        long? ignoreIndex = null,
        bool perImage = false,
        bool withBackground = true,
        bool squared = false)
        : base(nameof(DiceMapLoss))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(smooth);
        (this.activation, this.smooth, this.ignoreIndex) = (activation, smooth, ignoreIndex);
        (this.perImage, this.withBackground, this.squared) = (perImage, withBackground, squared);
    }

    /// <inheritdoc/>
    public override GlobalTensor Of(FeatureMap output, FeatureMap target, FeatureMap? mask = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (!withBackground && output.Count == 1)
            throw new ArgumentException(
                "Without class 0 an output of one channel has no class; count the background, or give more channels.", nameof(output));
        var sums = new LossSums(nameof(DiceMapLoss), 4, Terms)
        {
            Values = activation == ClassActivation.Softmax ? TargetValues.Classes : TargetValues.ZeroOrOne,
            Ignored = ignoreIndex,
            IsMasked = mask is not null,
        };
        return sums.Of(output, target, mask, Value);
    }

    private Tensor[] Terms(LossPositions positions)
    {
        var isSoftmax = activation == ClassActivation.Softmax;
        var probabilities = isSoftmax ? positions.Output.softmax(1) : positions.Output.sigmoid();
        var target = positions.Counted(isSoftmax ? positions.IsClass.to(probabilities.dtype) : positions.Target);
        return
        [
            probabilities.mul(target),
            positions.Counted(squared ? probabilities.Squared() : probabilities),
            target,
            positions.WeightOf(probabilities),
        ];
    }

    private Tensor Value(IReadOnlyList<Tensor> sums)
    {
        LossTotals.RefuseNone(nameof(DiceMapLoss), perImage ? sums[3].sum([1]) : sums[3].sum());
        var (both, seen, there) = (Summed(sums[0]), Summed(sums[1]), Summed(sums[2]));
        var dice = both.Times(2.0).Plus(smooth).div(seen.Plus(there).Plus(smooth));
        return dice.mean().neg().Plus(1.0).reshape(1, 1);
    }

    private Tensor Summed(Tensor sums)
    {
        var counted = withBackground ? sums : sums.narrow(1, 1, sums.shape[1] - 1);
        return perImage ? counted : counted.sum([0]);
    }
}
