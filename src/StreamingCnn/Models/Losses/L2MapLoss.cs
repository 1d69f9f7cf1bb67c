using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>The squared error (x − t)², as <c>torch.nn.functional.mse_loss</c>.</summary>
public sealed class L2MapLoss : ErrorMapLoss
{
    /// <summary>Creates the loss.</summary>
    /// <param name="weighted">Whether the mask's values are weights, in one channel or in as many as the output has.</param>
    /// <param name="reduction">Mean or sum.</param>
    /// <exception cref="ArgumentOutOfRangeException">The reduction is another.</exception>
    public L2MapLoss(bool weighted = false, Reduction reduction = Reduction.Mean)
        : base(nameof(L2MapLoss), weighted, reduction)
    {
    }

    private protected override Tensor Errors(Tensor output, Tensor target) =>
        functional.mse_loss(output, target, Reduction.None);
}
