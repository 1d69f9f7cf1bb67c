using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// The gradient of the weights of a convolution with stride s, as those of s x s convolutions without: taps r, r + s, r + 2 s, ... of the
/// kernel read rows r, r + s, ... of the window, one after another, and no others. So for columns.
/// </summary>
internal static class StridedWeights
{
    /// <summary>The gradient of the weights.</summary>
    /// <param name="gradient">Gradient of the output, [N, C', h', w'].</param>
    /// <param name="window">What was convolved, [N, C, h, w].</param>
    /// <param name="weight">The weights, [C', C, k, k'].</param>
    /// <param name="arguments">Stride and padding; no dilation.</param>
    public static Tensor Gradient(Tensor gradient, Tensor window, Tensor weight, ConvolutionArguments arguments)
    {
        using var scope = NewDisposeScope();
        var (rows, columns) = (arguments.Padding.Rows, arguments.Padding.Columns);
        var padded = rows + columns == 0 ? window : nn.functional.pad(window, [columns, columns, rows, rows]);
        var stride = arguments.Stride;
        var sum = empty_like(weight);
        for (long row = 0; row < Math.Min(stride.Rows, weight.shape[2]); row++)
        {
            for (long column = 0; column < Math.Min(stride.Columns, weight.shape[3]); column++)
            {
                using var phase = NewDisposeScope();
                var taps = Every(Every(weight, 2, row, stride.Rows), 3, column, stride.Columns);
                var read = Part(Part(padded, 2, row, stride.Rows, gradient.shape[2] + taps.shape[2] - 1), 3, column, stride.Columns, gradient.shape[3] + taps.shape[3] - 1);
                var format = window.Format();
                var ofTaps = ScriptedOperators.ConvolutionBackward(
                    gradient, format.Copy(read), format.Copy(taps), new(new(1, 1), default, new(1, 1), 1), (false, true, false)).Weight!;
                Every(Every(sum, 2, row, stride.Rows), 3, column, stride.Columns).copy_(ofTaps);
            }
        }

        return sum.MoveToOuterDisposeScope();
    }

    private static Tensor Every(Tensor tensor, int dimension, long first, long step) =>
        tensor.slice(dimension, first, tensor.shape[dimension], step);

    private static Tensor Part(Tensor window, int dimension, long first, long step, long count) =>
        window.slice(dimension, first, first + step * (count - 1) + 1, step);
}
