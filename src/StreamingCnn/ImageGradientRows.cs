using static TorchSharp.torch;

namespace StreamingCnn;

/// <summary>
/// Receives the gradient of an image row by row during the backward pass, so that it need not be held whole. Of an image that several
/// processes share each gets what its own tiles add to it, with zeros elsewhere: the gradient is their sum.
/// </summary>
/// <param name="top">First row of the image that the tensor is for.</param>
/// <param name="rows">
/// The gradient of some rows, [1, C, rows, W], of the computation's type, on its device. Called from the bottom of the image to its top,
/// once for every row. Disposed after the call.
/// </param>
public delegate void ImageGradientRows(long top, Tensor rows);
