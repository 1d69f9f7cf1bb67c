using static TorchSharp.torch;

namespace StreamingCnn;

/// <summary>
/// Receives an output map rectangle by rectangle, so that it need not be held whole: a file, a running sum, another process. <see
/// cref="RowSink"/> makes rows of the rectangles.
/// </summary>
/// <remarks>The run calls it from its own thread, one call at a time, without autograd.</remarks>
public interface IMapSink
{
    /// <summary>Told once of the map, before its first rectangle.</summary>
    /// <param name="batch">Images in the batch, N.</param>
    /// <param name="channels">Channels C of the map.</param>
    /// <param name="height">Height of the map.</param>
    /// <param name="width">Width of the map.</param>
    void Begin(long batch, long channels, long height, long width);

    /// <summary>Takes one rectangle. They come in the order of tiles, and each position of the map comes exactly once.</summary>
    /// <param name="top">First row of the map, from 0.</param>
    /// <param name="left">First column of the map, from 0.</param>
    /// <param name="values">
    /// The values, [N, C, h, w], of the computation's type, on its device. They may be a part of a larger tensor and are valid during the
    /// call only, as are tensors that are made of them in it: what is to stay is a copy that is detached from its scope
    /// (<c>values.clone().DetachFromDisposeScope()</c>). Change nothing.
    /// </param>
    void Write(long top, long left, Tensor values);
}
