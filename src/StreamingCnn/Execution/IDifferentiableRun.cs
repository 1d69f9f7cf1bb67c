using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>The way of an image, or of several sources, through a trunk, forwards once and backwards at most once.</summary>
internal interface IDifferentiableRun : IDisposable
{
    /// <summary>Number of outputs.</summary>
    int Outputs { get; }

    /// <summary>Runs forwards.</summary>
    /// <param name="sinks">Where each output goes.</param>
    /// <param name="progress">Told of every tile; null for nobody.</param>
    void Forward(IReadOnlyList<IMapSink> sinks, IProgress<TileProgress>? progress);

    /// <summary>Runs backwards.</summary>
    /// <param name="gradients">Where the gradient of each output comes from, null for none.</param>
    /// <param name="progress">Told of every tile; null for nobody.</param>
    /// <returns>
    /// The gradient of each source, if wanted and not handed out in rows, and that of each parameter. They belong to no scope.
    /// </returns>
    (Tensor?[] Sources, Tensor?[] Parameters) Backward(IReadOnlyList<MapSource?> gradients, IProgress<TileProgress>? progress);
}
