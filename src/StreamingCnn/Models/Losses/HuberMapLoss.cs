using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Huber's error, as <c>torch.nn.functional.huber_loss</c>: (x − t)² / 2 up to δ, and δ (|x − t| − δ / 2) above. Divided by δ it is
/// PyTorch's smooth L1 loss with β = δ.
/// </summary>
public sealed class HuberMapLoss : ErrorMapLoss
{
    private readonly double delta;

    /// <summary>Creates the loss.</summary>
    /// <param name="delta">The error δ from which on it grows evenly, above 0.</param>
    /// <param name="weighted">Whether the mask's values are weights, in one channel or in as many as the output has.</param>
    /// <param name="reduction">Mean or sum.</param>
    /// <exception cref="ArgumentOutOfRangeException">The reduction is another, or δ is not above 0.</exception>
    public HuberMapLoss(double delta = 1, bool weighted = false, Reduction reduction = Reduction.Mean)
        : base(nameof(HuberMapLoss), weighted, reduction)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(delta);
        this.delta = delta;
    }

    private protected override Tensor Errors(Tensor output, Tensor target) =>
        functional.huber_loss(output, target, delta, Reduction.None);
}
