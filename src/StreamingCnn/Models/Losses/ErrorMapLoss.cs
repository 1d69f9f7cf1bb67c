using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// How far a map is from a target of the same shape: the mean over all positions and channels, or the sum. With weights the mean is
/// Σ w l / Σ w.
/// </summary>
public abstract class ErrorMapLoss : MapLoss
{
    private readonly string title;
    private readonly bool weighted;
    private readonly Reduction reduction;

    /// <summary>Creates the loss.</summary>
    /// <param name="title">The module's name.</param>
    /// <param name="weighted">Whether the mask's values are weights.</param>
    /// <param name="reduction">Mean or sum.</param>
    private protected ErrorMapLoss(string title, bool weighted, Reduction reduction)
        : base(title)
    {
        (this.title, this.weighted) = (title, weighted);
        this.reduction = LossTotals.Checked(reduction);
    }

    /// <summary>
    /// Whether a target that is no number (NaN) does not count, as where a depth was not measured: with several channels in that channel
    /// alone.
    /// </summary>
    /// <value>The default value is false: such a target makes the loss no number either.</value>
    public bool IgnoresMissing { get; init; }

    /// <inheritdoc/>
    public sealed override GlobalTensor Of(FeatureMap output, FeatureMap target, FeatureMap? mask = null)
    {
        var sums = new LossSums(title, 2, positions =>
        {
            var errors = Errors(positions.Output, positions.Target);
            return [positions.Counted(errors), positions.WeightOf(errors)];
        })
        {
            Values = TargetValues.Numbers,
            IsMasked = mask is not null,
            MaskWeighs = weighted,
            IgnoresMissing = IgnoresMissing,
        };
        return sums.Of(output, target, mask, reduction);
    }

    private protected abstract Tensor Errors(Tensor output, Tensor target);
}
