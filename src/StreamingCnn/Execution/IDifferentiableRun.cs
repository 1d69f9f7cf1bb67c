using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>One image's way through a trunk, forwards once and backwards at most once.</summary>
internal interface IDifferentiableRun : IDisposable
{
    /// <summary>Runs forwards.</summary>
    /// <returns>The outputs, in the caller's scope.</returns>
    Tensor[] Forward(IProgress<TileProgress>? progress);

    /// <summary>Runs backwards.</summary>
    /// <param name="gradients">The gradient of each output, null for none.</param>
    /// <param name="progress">Told of every tile; null for nobody.</param>
    /// <returns>The image's gradient, if wanted, and that of each parameter. They belong to no scope.</returns>
    (Tensor? Image, Tensor?[] Parameters) Backward(IReadOnlyList<Tensor?> gradients, IProgress<TileProgress>? progress);
}
