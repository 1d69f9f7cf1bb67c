using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// Gradients of a convolution, by the library's kernels in pieces that it is fast with. Sums are the same but for their order, which
/// follows from shapes alone.
/// </summary>
internal static class ConvolutionGradients
{
    // Above this many outputs the library leaves its fast kernels for the gradient of weights: the stem of a ResNet on 4096 x 4096 pixels
    // in one tile takes minutes for what takes two seconds in bands.
    private const long FastOutputs = 1 << 27;
    private const long BandOutputs = 1 << 25;

    // What the processor's caches hold of a window and of the gradient over it, and twice of it where the weights are larger themselves:
    // the gradient of the weights of 128 to 512 channels is a tenth to a quarter faster so, that of 64 no faster, that of 1024 slower.
    private const long BandBytes = 4 << 20;
    private const long LargestBandedWeight = 12 << 20;
    private const long BandedChannels = 96;
    private const long FewestRows = 8;

    // A strided convolution's, which the library is a third as fast with on large windows as on small ones, is gathered from convolutions
    // without stride.
    private const long PhasedBytes = 8 << 20;
    private const long PhasedBandBytes = 16 << 20;
    private const long ManyChannels = 16;

    /// <summary>Gradients of operand, weights and bias; each is null unless wanted.</summary>
    /// <param name="gradient">Gradient of the output, [N, C', h', w'].</param>
    /// <param name="window">What was convolved, [N, C, h, w].</param>
    /// <param name="weight">The weights, [C', C / groups, k, k'].</param>
    /// <param name="arguments">Stride, padding, dilation and groups.</param>
    /// <param name="wanted">Which gradients are.</param>
    public static (Tensor? Input, Tensor? Weight, Tensor? Bias) Of(
        Tensor gradient, Tensor window, Tensor weight, ConvolutionArguments arguments, (bool Input, bool Weight, bool Bias) wanted)
    {
        if (PointConvolution.Replaces(weight, arguments))
            return PointConvolution.Gradients(gradient, window, weight, arguments, wanted);

        // The library's own sum for the bias slows its kernels down by a fifth, those of few input channels by half.
        var ofBias = wanted.Bias ? gradient.sum([0, 2, 3]) : null;
        if (!wanted.Weight)
            return (OfInput(), null, ofBias);

        var isPhased = IsPhased(gradient, window, weight, arguments);
        var rows = RowsOfBand(gradient, window, weight, isPhased);
        if (!isPhased && rows >= gradient.shape[2])
        {
            var (ofWindow, ofWhole, _) = ScriptedOperators.ConvolutionBackward(
                gradient, window, weight, arguments, (wanted.Input, true, false));
            return (ofWindow, ofWhole, ofBias);
        }

        return (OfInput(), OfWeights(gradient, window, weight, arguments, rows, isPhased), ofBias);

        Tensor? OfInput() => wanted.Input
            ? ScriptedOperators.ConvolutionBackward(gradient, window, weight, arguments, (true, false, false)).Input
            : null;
    }

    /// <summary>The gradient of the weights, summed over bands of rows.</summary>
    /// <param name="gradient">Gradient of the output, [N, C', h', w'].</param>
    /// <param name="window">What was convolved, [N, C, h, w].</param>
    /// <param name="weight">The weights, [C', C / groups, k, k'].</param>
    /// <param name="arguments">Stride, padding, dilation and groups.</param>
    /// <param name="rows">Rows of the output in a band.</param>
    /// <param name="isPhased">Whether each is gathered from convolutions without stride; not where they dilate.</param>
    internal static Tensor OfWeights(
        Tensor gradient, Tensor window, Tensor weight, ConvolutionArguments arguments, long rows, bool isPhased)
    {
        var all = gradient.shape[2];
        Tensor? sum = null;
        for (long first = 0; first < all; first += rows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(rows, all - first);
            var ofRows = count == all ? gradient : gradient.narrow(2, first, count);
            var (band, padding) = count == all ? (window, arguments.Padding) : Band(window, weight.shape[2], arguments, first, count);
            var ofBand = isPhased
                ? StridedWeights.Gradient(ofRows, band, weight, arguments with { Padding = padding })
                : ScriptedOperators.ConvolutionBackward(
                    ofRows, band, weight, arguments with { Padding = padding }, (false, true, false)).Weight!;
            if (sum is null)
                sum = ofBand.MoveToOuterDisposeScope();
            else
                sum.Accumulate(ofBand);
        }

        return sum!;
    }

    private static bool IsPhased(Tensor gradient, Tensor window, Tensor weight, ConvolutionArguments arguments) =>
        IsInMemoryOrder(gradient, window)
            && arguments is { Groups: 1, Stride: { Rows: > 1, Columns: > 1 }, Dilation: { Rows: 1, Columns: 1 } }
            && weight.shape[1] >= ManyChannels
            && weight.shape[2] > 1
            && weight.shape[3] > 1
            && Bytes(gradient) + Bytes(window) > PhasedBytes;

    private static long RowsOfBand(Tensor gradient, Tensor window, Tensor weight, bool isPhased)
    {
        var (rows, bytes) = (gradient.shape[2], Bytes(gradient) + Bytes(window));
        if (isPhased && bytes > 2 * PhasedBandBytes && 2 * Bytes(weight) < 3 * PhasedBandBytes / 2)
            return RowsFor(PhasedBandBytes);
        if (!isPhased
            && IsInMemoryOrder(gradient, window)
            && weight.shape[1] >= BandedChannels
            && weight.shape[2] > 1
            && Bytes(weight) <= LargestBandedWeight)
        {
            var band = Bytes(weight) > BandBytes ? 2 * BandBytes : BandBytes;
            if (bytes > 3 * band / 2)
                return RowsFor(band);
        }

        return gradient.numel() < FastOutputs ? rows : Math.Max(1, BandOutputs / (gradient.numel() / rows));

        // Bands of nearly the same height.
        long RowsFor(long band) => Math.Max(FewestRows, Division.Ceiling(rows, Division.Ceiling(bytes, band)));
    }

    /// <summary>Whether bands of rows are pieces of memory, and of a kind that the kernels in question are for.</summary>
    private static bool IsInMemoryOrder(Tensor gradient, Tensor window) =>
        gradient.shape[0] == 1
            && gradient.device_type == DeviceType.CPU
            && gradient.dtype == ScalarType.Float32
            && gradient.Format() == MapFormat.ChannelsLast
            && window.Format() == MapFormat.ChannelsLast;

    private static long Bytes(Tensor tensor) => tensor.numel() * tensor.element_size();

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
}
