using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// Convolutions of channels in whole blocks. The library's float32 convolutions gather channels into blocks of the processor's vectors, and
/// on some processors what does not fill its last block comes out wrong, outputs and gradients alike. Channels of zeros fill it up and
/// change nothing else.
/// </summary>
/// <param name="inputs">Channels that the convolution reads.</param>
/// <param name="outputs">Channels that it gives.</param>
/// <param name="inputsFirst">Whether the weights' first axis is that of the inputs, as a transposed convolution's is.</param>
internal sealed class ChannelBlocks(long inputs, long outputs, bool inputsFirst = false)
{
    private const long Block = 16;

    // Gradients of strided convolutions are wrong for an odd number of blocks above one, too.
    private const long TwoBlocks = 2 * Block;

    // An ordinary convolution takes the few channels of an image as they are.
    private readonly long padding = inputs < Block && !inputsFirst ? 0 : Whole(inputs) - inputs;
    private readonly long outputPadding = Whole(outputs) - outputs;

    /// <summary>How much larger operands and outputs become; 1 where there is nothing to fill up.</summary>
    public double Growth => Math.Max((double)(inputs + padding) / inputs, (double)(outputs + outputPadding) / outputs);

    /// <summary>Whether channels fill whole blocks already, the image's few being no exception.</summary>
    public static bool AreFull(long channels) => Whole(channels) == channels;

    /// <summary>The blocks of a convolution that may need them; null where the library is right on every processor.</summary>
    /// <param name="inputs">Channels that it reads.</param>
    /// <param name="outputs">Channels that it gives.</param>
    /// <param name="groups">Its groups; the library computes grouped convolutions in another way, which is right.</param>
    /// <param name="kernel">Its kernel; those of one pixel are right.</param>
    /// <param name="inputsFirst">Whether the weights' first axis is that of the inputs.</param>
    public static ChannelBlocks? For(long inputs, long outputs, long groups, Pair kernel, bool inputsFirst = false)
    {
        if (groups > 1 || kernel == new Pair(1, 1))
            return null;
        var blocks = new ChannelBlocks(inputs, outputs, inputsFirst);
        return blocks.Growth > 1 ? blocks : null;
    }

    /// <summary>Whether convolutions need them on this processor, with weights of this device and type.</summary>
    public static bool AreNeededFor(Tensor weight) =>
        weight.device_type == DeviceType.CPU && weight.dtype == ScalarType.Float32 && !ConvolutionCheck.IsRight;

    /// <summary>The map that the convolution reads, filled up.</summary>
    public Tensor Input(Tensor map) => Fill(map, padding);

    /// <summary>A gradient of what it gives, filled up.</summary>
    public Tensor Output(Tensor gradient) => Fill(gradient, outputPadding);

    /// <summary>Its weights, filled up on both sides.</summary>
    public Tensor Weight(Tensor weight)
    {
        var (first, second) = inputsFirst ? (padding, outputPadding) : (outputPadding, padding);
        return functional.pad(weight, [0, 0, 0, 0, 0, second, 0, first], PaddingModes.Constant, 0);
    }

    /// <summary>Its bias, filled up.</summary>
    public Tensor? Bias(Tensor? bias) => bias is null ? null : functional.pad(bias, [0, outputPadding], PaddingModes.Constant, 0);

    /// <summary>What it gives, without what was filled up, in memory of its own.</summary>
    public Tensor OwnOutputs(Tensor map) => Own(map, outputs);

    /// <summary>A gradient of the map that it reads, without what was filled up, in memory of its own.</summary>
    public Tensor OwnInputs(Tensor gradient) => Own(gradient, inputs);

    /// <summary>A gradient of the weights, without what was filled up.</summary>
    public Tensor OwnWeights(Tensor gradient) => inputsFirst
        ? gradient.narrow(0, 0, inputs).narrow(1, 0, outputs)
        : gradient.narrow(0, 0, outputs).narrow(1, 0, inputs);

    private static long Whole(long channels) => channels <= Block ? Block : (channels + TwoBlocks - 1) / TwoBlocks * TwoBlocks;

    private static Tensor Fill(Tensor map, long channels) =>
        channels == 0 ? map : functional.pad(map, [0, 0, 0, 0, 0, channels], PaddingModes.Constant, 0);

    private static Tensor Own(Tensor map, long channels)
    {
        if (map.shape[1] == channels)
            return map;
        var own = map.narrow(1, 0, channels).clone();
        if (!map.requires_grad)
            map.Dispose();
        return own;
    }
}
