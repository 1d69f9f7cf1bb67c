using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// Convolutions of one position as products of matrices. Where the library cannot find out how large the processor's caches are (in some
/// virtual machines), its own are wrong by as much as the values themselves for some numbers of channels, and for some, 256 to 1024 being
/// among them, end the process by a division by zero.
/// </summary>
internal static class PointConvolution
{
    // In bfloat16 those of fewer channels are right, and several times as fast as the products.
    private const long ManyChannels = 512;

    /// <summary>Whether these are to be used in the library's place.</summary>
    /// <param name="weight">The weights, [C', C / groups, k, k'].</param>
    /// <param name="arguments">What else the convolution is.</param>
    public static bool Replaces(Tensor weight, ConvolutionArguments arguments) =>
        arguments.Groups == 1
            && weight.shape[2] == 1
            && weight.shape[3] == 1
            && weight.device_type == DeviceType.CPU
            && (weight.dtype == ScalarType.Float32
                || (weight.dtype == ScalarType.BFloat16 && Math.Max(weight.shape[0], weight.shape[1]) >= ManyChannels))
            && !ConvolutionCheck.IsRight;

    /// <summary>The output, [N, C', h', w'], in the window's format.</summary>
    /// <param name="window">What is convolved, [N, C, h, w].</param>
    /// <param name="weight">The weights, [C', C, 1, 1].</param>
    /// <param name="bias">The bias, [C'], or null.</param>
    /// <param name="arguments">Stride and padding.</param>
    public static Tensor Compute(Tensor window, Tensor weight, Tensor? bias, ConvolutionArguments arguments)
    {
        using var scope = NewDisposeScope();
        var read = Read(window, arguments);
        var matrix = weight.flatten(1);
        Tensor output;
        if (window.Format() == MapFormat.ChannelsLast)
        {
            output = nn.functional.linear(read.permute(0, 2, 3, 1), matrix, bias).permute(0, 3, 1, 2);
        }
        else
        {
            output = matrix.matmul(read.flatten(2)).unflatten(2, read.shape[2], read.shape[3]);
            if (bias is not null)
                output.Accumulate(bias.reshape(-1, 1, 1));
        }

        return output.MoveToOuterDisposeScope();
    }

    /// <summary>Gradients of operand, weights and bias; each is null unless wanted.</summary>
    /// <param name="gradient">Gradient of the output, [N, C', h', w'].</param>
    /// <param name="window">What was convolved, [N, C, h, w].</param>
    /// <param name="weight">The weights, [C', C, 1, 1].</param>
    /// <param name="arguments">Stride and padding.</param>
    /// <param name="wanted">Which gradients are.</param>
    public static (Tensor? Input, Tensor? Weight, Tensor? Bias) Gradients(
        Tensor gradient, Tensor window, Tensor weight, ConvolutionArguments arguments, (bool Input, bool Weight, bool Bias) wanted)
    {
        using var scope = NewDisposeScope();
        var ofInput = wanted.Input ? OfInput(gradient, window, weight, arguments) : null;
        var ofWeight = wanted.Weight ? OfWeight(gradient, Read(window, arguments)).view(weight.shape) : null;
        var ofBias = wanted.Bias ? gradient.sum([0, 2, 3]) : null;
        return (ofInput?.MoveToOuterDisposeScope(), ofWeight?.MoveToOuterDisposeScope(), ofBias?.MoveToOuterDisposeScope());
    }

    private static Tensor OfInput(Tensor gradient, Tensor window, Tensor weight, ConvolutionArguments arguments)
    {
        var format = window.Format();
        var transposed = weight.transpose(0, 1);
        var ofRead = Compute(format.Of(gradient), transposed, null, ConvolutionArguments.Plain);
        if (arguments == ConvolutionArguments.Plain)
            return ofRead;

        var (rows, columns) = (arguments.Padding.Rows, arguments.Padding.Columns);
        var padded = format.Zeros(
            [window.shape[0], window.shape[1], window.shape[2] + 2 * rows, window.shape[3] + 2 * columns], window.dtype, window.device);
        padded.Every(arguments.Stride).copy_(ofRead);
        return padded.narrow(2, rows, window.shape[2]).narrow(3, columns, window.shape[3]);
    }

    private static Tensor OfWeight(Tensor gradient, Tensor read) => read.Format() == MapFormat.ChannelsLast
        ? Rows(gradient).t().mm(Rows(read))
        : gradient.flatten(2).matmul(read.flatten(2).transpose(1, 2)).sum([0]);

    /// <summary>A map's positions as rows of its channels.</summary>
    private static Tensor Rows(Tensor map) => map.permute(0, 2, 3, 1).flatten(0, 2);

    /// <summary>The positions that are read.</summary>
    private static Tensor Read(Tensor window, ConvolutionArguments arguments) =>
        window.Surrounded(arguments.Padding).Every(arguments.Stride);
}
