using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>The way of an image, or of several sources, through a trunk, forwards once and backwards at most once.</summary>
internal interface IDifferentiableRun : IDisposable
{
    /// <summary>Number of outputs.</summary>
    int Outputs { get; }

    /// <summary>
    /// An output that is a small tensor, in the caller's scope, when the forward pass has run; null for one that is a map.
    /// </summary>
    Tensor? Small(int output) => null;

    /// <summary>Runs forwards. Small outputs come as maps of one position, or of as many as they have.</summary>
    /// <param name="sinks">Where each output goes.</param>
    /// <param name="progress">Told of every tile; null for nobody.</param>
    void Forward(IReadOnlyList<IMapSink> sinks, IProgress<TileProgress>? progress);

    /// <summary>Runs backwards.</summary>
    /// <param name="gradients">The gradient of each output, null for none.</param>
    /// <param name="progress">Told of every tile; null for nobody.</param>
    /// <returns>
    /// The gradient of each source, if wanted and not handed out in rows, and that of each parameter. They belong to no scope.
    /// </returns>
    (Tensor?[] Sources, Tensor?[] Parameters) Backward(IReadOnlyList<Tensor?> gradients, IProgress<TileProgress>? progress);
}
