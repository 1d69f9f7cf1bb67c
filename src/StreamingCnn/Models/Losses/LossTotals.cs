using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>From a loss's sums of images and channels to its value.</summary>
internal static class LossTotals
{
    /// <summary>Refuses a way of summing up that does not give one number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is <see cref="Reduction.None"/>.</exception>
    public static Reduction Checked(Reduction reduction) => reduction is Reduction.Mean or Reduction.Sum
        ? reduction
        : throw new ArgumentOutOfRangeException(nameof(reduction), reduction, "A loss over a map is the mean or the sum of its positions.");

    /// <summary>A copy of a weight for each class or channel, none of them below 0; null where none are given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A weight is below 0.</exception>
    public static double[]? Checked(IReadOnlyList<double>? weights, string name)
    {
        foreach (var weight in weights ?? [])
            ArgumentOutOfRangeException.ThrowIfNegative(weight, name);
        return weights is null ? null : [.. weights];
    }

    /// <summary>The mean over all images, positions and channels, or the sum.</summary>
    /// <param name="loss">The loss's name.</param>
    /// <param name="sums">What positions add, and what they count with.</param>
    /// <param name="reduction">Which of both.</param>
    /// <exception cref="ArgumentException">Nothing counts, so that there is no mean.</exception>
    public static Tensor Of(string loss, IReadOnlyList<Tensor> sums, Reduction reduction)
    {
        var total = sums[0].sum().reshape(1, 1);
        if (reduction == Reduction.Sum)
            return total;
        var weight = sums[1].sum().reshape(1, 1);
        RefuseNone(loss, weight);
        return total.div(weight);
    }

    /// <summary>Refuses to go on where nothing counts.</summary>
    /// <param name="loss">The loss's name.</param>
    /// <param name="weights">What positions count with, for each image or for all.</param>
    /// <exception cref="ArgumentException">One of them is 0.</exception>
    public static void RefuseNone(string loss, Tensor weights)
    {
        if (weights.detach().all().item<bool>())
            return;
        throw new ArgumentException(
            $"{loss} has no position to count, since mask, ignored targets and weights leave none; leave such images out.");
    }
}
