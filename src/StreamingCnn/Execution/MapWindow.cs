using StreamingCnn.Geometry;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>A rectangle of a map, or of its gradient, in memory.</summary>
/// <param name="Tensor">The values, [N, C, h, w].</param>
/// <param name="Region">Their positions in the map.</param>
internal readonly record struct MapWindow(Tensor Tensor, Region Region) : IDisposable
{
    /// <summary>The window with the padding of zeros around it, in the same memory, and where it lies; null where there is none.</summary>
    public (Tensor Tensor, Region Region)? LaidOut { get; init; }

    /// <summary>Another handle to the same memory.</summary>
    public MapWindow Alias() => this with
    {
        Tensor = Tensor.alias().DetachFromDisposeScope(),
        LaidOut = LaidOut is var (tensor, region) ? (tensor.alias().DetachFromDisposeScope(), region) : null,
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        Tensor.Dispose();
        LaidOut?.Tensor.Dispose();
    }
}
