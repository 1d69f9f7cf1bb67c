using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>Positions of a map that a convolution with stride meets.</summary>
internal static class StridedPositions
{
    /// <summary>A window with zeros around it; itself where there are none to add.</summary>
    public static Tensor Surrounded(this Tensor window, Pair padding) => padding == default
        ? window
        : nn.functional.pad(window, [padding.Columns, padding.Columns, padding.Rows, padding.Rows]);

    /// <summary>A view of every row and column that lie a stride apart, from given ones on.</summary>
    /// <param name="tensor">A map [N, C, h, w], or weights [C', C, k, k'].</param>
    /// <param name="stride">The stride.</param>
    /// <param name="row">The first row.</param>
    /// <param name="column">The first column.</param>
    public static Tensor Every(this Tensor tensor, Pair stride, long row = 0, long column = 0) =>
        tensor.slice(2, row, tensor.shape[2], stride.Rows).slice(3, column, tensor.shape[3], stride.Columns);
}
