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
        var padded = window.Surrounded(arguments.Padding);
        var (stride, format) = (arguments.Stride, window.Format());
        var sum = empty_like(weight);
        for (long row = 0; row < Math.Min(stride.Rows, weight.shape[2]); row++)
        {
            for (long column = 0; column < Math.Min(stride.Columns, weight.shape[3]); column++)
            {
                using var phase = NewDisposeScope();
                var taps = weight.Every(stride, row, column);
                var (height, width) = (gradient.shape[2] + taps.shape[2] - 1, gradient.shape[3] + taps.shape[3] - 1);
                var read = padded.Every(stride, row, column).narrow(2, 0, height).narrow(3, 0, width);
                var ofTaps = ScriptedOperators.ConvolutionBackward(
                    gradient, format.Copy(read), format.Copy(taps), ConvolutionArguments.Plain, (false, true, false)).Weight!;
                sum.Every(stride, row, column).copy_(ofTaps);
            }
        }

        return sum.MoveToOuterDisposeScope();
    }
}
