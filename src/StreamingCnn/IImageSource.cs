using static TorchSharp.torch;

namespace StreamingCnn;

/// <summary>
/// An image that is read window by window and never held whole: a file, a memory map, a generator.
/// </summary>
/// <remarks>
/// The engine reads every window at least once in the forward pass and again in the backward pass, so the same window must give
/// the same values each time. It reads from one thread at a time.
/// </remarks>
public interface IImageSource : IDisposable
{
    /// <summary>Number of channels C of every window.</summary>
    int Channels { get; }

    /// <summary>Height of the image in pixels.</summary>
    long Height { get; }

    /// <summary>Width of the image in pixels.</summary>
    long Width { get; }

    /// <summary>Reads one window.</summary>
    /// <param name="top">First row, from 0.</param>
    /// <param name="left">First column, from 0.</param>
    /// <param name="height">Rows to read; the window must lie inside the image.</param>
    /// <param name="width">Columns to read.</param>
    /// <returns>
    /// A tensor [1, C, height, width] of uint8 or of a floating-point type, owned by the caller. For a target or a mask it may be of any
    /// integer type; values are never scaled.
    /// </returns>
    Tensor Read(long top, long left, long height, long width);
}
