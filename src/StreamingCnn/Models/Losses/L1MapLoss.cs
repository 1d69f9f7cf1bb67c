using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>The absolute error |x − t|, as <c>torch.nn.functional.l1_loss</c>.</summary>
public sealed class L1MapLoss : ErrorMapLoss
{
    /// <summary>Creates the loss.</summary>
    /// <param name="weighted">Whether the mask's values are weights, in one channel or in as many as the output has.</param>
    /// <param name="reduction">Mean or sum.</param>
    /// <exception cref="ArgumentOutOfRangeException">The reduction is another.</exception>
    public L1MapLoss(bool weighted = false, Reduction reduction = Reduction.Mean)
        : base(nameof(L1MapLoss), weighted, reduction)
    {
    }

    private protected override Tensor Errors(Tensor output, Tensor target) =>
        functional.l1_loss(output, target, Reduction.None);
}
