using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// Gradients of a convolution. Those of the weights of a large map are summed over bands of rows: above 2^27 outputs the library leaves its
/// fast kernels (the stem of a ResNet on 4096 x 4096 pixels in one tile takes minutes for what takes two seconds in bands).
/// </summary>
internal static class ConvolutionGradients
{
    private const long FastOutputs = 1 << 27;
    private const long BandOutputs = 1 << 25;

    /// <summary>Gradients of operand, weights and bias; each is null unless wanted.</summary>
    public static (Tensor? Input, Tensor? Weight, Tensor? Bias) Of(
        Tensor gradient, Tensor window, Tensor weight, ConvolutionArguments arguments, (bool Input, bool Weight, bool Bias) wanted) =>
        gradient.numel() < FastOutputs || !wanted.Weight
            ? ScriptedOperators.ConvolutionBackward(gradient, window, weight, arguments, wanted)
            : InBands(gradient, window, weight, arguments, wanted, BandOutputs);

    /// <summary>The same, with those of the weights summed over bands of at most so many outputs, or of one row.</summary>
    internal static (Tensor? Input, Tensor? Weight, Tensor? Bias) InBands(
        Tensor gradient,
        Tensor window,
        Tensor weight,
        ConvolutionArguments arguments,
        (bool Input, bool Weight, bool Bias) wanted,
        long outputsPerBand)
    {
        var input = wanted.Input
            ? ScriptedOperators.ConvolutionBackward(gradient, window, weight, arguments, (true, false, false)).Input
            : null;
        var rows = gradient.shape[2];
        var height = Math.Max(1, outputsPerBand / (gradient.numel() / rows));
        Tensor? ofWeight = null, ofBias = null;
        for (long first = 0; first < rows; first += height)
        {
            using var scope = NewDisposeScope();
            var (band, padding) = Band(window, weight.shape[2], arguments, first, Math.Min(height, rows - first));
            var (_, weightPart, biasPart) = ScriptedOperators.ConvolutionBackward(
                gradient.narrow(2, first, Math.Min(height, rows - first)),
                band,
                weight,
                arguments with { Padding = padding },
                (false, true, wanted.Bias));
            Add(ref ofWeight, weightPart);
            Add(ref ofBias, biasPart);
        }
        return (input, ofWeight, ofBias);
    }

    /// <summary>
    /// What some rows of the output read, with the padding above and below that the library would add for all rows alike.
    /// </summary>
    private static (Tensor Band, Pair Padding) Band(Tensor window, long kernel, ConvolutionArguments arguments, long first, long count)
    {
        var start = first * arguments.Stride.Rows - arguments.Padding.Rows;
        var end = start + (count - 1) * arguments.Stride.Rows + arguments.Dilation.Rows * (kernel - 1) + 1;
        var above = Math.Clamp(-start, 0, end - start);
        var below = Math.Clamp(end - window.shape[2], 0, end - start - above);
        var band = window.narrow(2, Math.Min(start + above, window.shape[2]), end - below - start - above);
        return (
            above + below == 0 ? band : nn.functional.pad(band, [0, 0, above, below]),
            arguments.Padding with { Rows = 0 });
    }

    private static void Add(ref Tensor? sum, Tensor? part)
    {
        if (sum is not null && part is not null)
            sum.Accumulate(part);
        else
            sum = part?.MoveToOuterDisposeScope();
    }
}
