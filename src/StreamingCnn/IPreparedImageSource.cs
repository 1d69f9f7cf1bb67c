using static TorchSharp.torch;

namespace StreamingCnn;

/// <summary>
/// An image whose windows are made ready for the network in two steps: what is stored, such as bytes, is read and moved to the device; what
/// the network wants of it, such as normalised numbers, is computed there. A quarter of the data then crosses to a GPU.
/// </summary>
/// <remarks><see cref="IImageSource.Read"/> gives the outcome of both steps.</remarks>
public interface IPreparedImageSource : IImageSource
{
    /// <summary>Reads one window as it is stored.</summary>
    /// <param name="top">First row, from 0.</param>
    /// <param name="left">First column, from 0.</param>
    /// <param name="height">Rows to read; the window must lie inside the image.</param>
    /// <param name="width">Columns to read.</param>
    /// <returns>A tensor [1, C, height, width], owned by the caller.</returns>
    Tensor ReadStored(long top, long left, long height, long width);

    /// <summary>Makes a window ready.</summary>
    /// <param name="stored">A window of <see cref="ReadStored"/>, on any device; it may be changed.</param>
    /// <returns>The window on the same device, [1, C, height, width], of a floating-point type; owned by the caller.</returns>
    Tensor Prepare(Tensor stored);
}
