using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// ConvTranspose2d. A window is run without padding and without bias; its result, which begins before or after the rectangle wanted, is
/// cropped or extended with zeros to fit it (a kernel shorter than the stride leaves gaps), and then the bias is added.
/// </summary>
internal sealed class TransposedConvolutionLayer(ConvTranspose2d convolution) : LocalLayer
{
    private readonly ConvTranspose2d convolution = convolution;
    private readonly Pair kernel = Pair.From(convolution.kernel_size);
    private readonly Pair stride = Pair.From(convolution.stride, new(1, 1));
    private readonly Pair dilation = Pair.From(convolution.dilation, new(1, 1));
    private readonly Pair padding = Pair.From(convolution.padding);
    private readonly Pair outputPadding = Pair.From(convolution.output_padding);
    private readonly ChannelBlocks? blocks =
        ChannelBlocks.For(
            convolution.in_channels, convolution.out_channels, convolution.groups, Pair.From(convolution.kernel_size), inputsFirst: true);

    private ChannelBlocks? Blocks => blocks is not null && ChannelBlocks.AreNeededFor(convolution.weight) ? blocks : null;

    public override Module Module => convolution;

    public override bool OutputIsFresh => true;

    internal override LayerMemory MemoryOf(in Patch patch) =>
        new(KeepsInput: true, KeepsOutput: false) { Rearranges = true, Growth = Blocks?.Growth ?? 0, GradientIsFresh = true };

    // Each input is spread over a kernel; there are stride x stride outputs for an input.
    internal override double WorkPerPosition =>
        2.0 * convolution.out_channels * convolution.in_channels / convolution.groups
            * kernel.Rows * kernel.Columns / (stride.Rows * stride.Columns);

    public override string? Refusal => outputPadding.Rows != outputPadding.Columns
        ? $"has the output padding ({outputPadding.Rows}, {outputPadding.Columns}), of which TorchSharp applies the first number to both axes; use equal numbers"
        : WeightShape.RefusalOf(
            convolution.weight, convolution.in_channels, convolution.out_channels / convolution.groups, kernel.Rows, kernel.Columns);

    public override long? InputChannels => convolution.in_channels;

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0] == convolution.in_channels
        ? convolution.out_channels
        : throw new GeometryException($"expects {convolution.in_channels} input channels, but gets {inputs[0]}");

    public override AxisMap Along(Axis axis, long length)
    {
        if (outputPadding[axis] >= Math.Max(stride[axis], dilation[axis]) && outputPadding[axis] > 0)
            throw new GeometryException($"has the output padding {outputPadding[axis]}, which must be smaller than the stride ({stride[axis]}) or the dilation ({dilation[axis]})");
        return new TransposedWindow(length, kernel[axis], stride[axis], dilation[axis], padding[axis], outputPadding[axis]);
    }

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch)
    {
        var window = inputs[0];
        var output = patch.Input.IsEmpty
            ? window.Format().Zeros(
                [window.shape[0], convolution.out_channels, patch.Rows.Output.Length, patch.Columns.Output.Length],
                window.dtype,
                window.device)
            : Fit(Convolve(window), patch);
        return convolution.bias is { } bias ? output.Plus(bias.reshape(-1, 1, 1)) : output;
    }

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => convolution.call(inputs[0]);

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        (Compute(inputs, patch), new Record(this, inputs[0].alias().DetachFromDisposeScope(), patch, wanted[0]));

    private Tensor Convolve(Tensor window)
    {
        return Blocks is { } needed
            ? needed.OwnOutputs(With(needed.Input(window), needed.Weight(convolution.weight)))
            : With(window, convolution.weight);

        Tensor With(Tensor window, Tensor weight) =>
            functional.conv_transpose2d(window, weight, null, stride.ToArray(), [0, 0], [0, 0], dilation.ToArray(), convolution.groups);
    }

    private static Tensor Fit(Tensor result, in Patch patch)
    {
        var ((above, below), (left, right)) = (Margins(patch.Rows), Margins(patch.Columns));
        return functional.pad(result, [left, right, above, below], PaddingModes.Constant, 0);
    }

    /// <summary>Zeros to add to a window's result on either side; negative where there is too much.</summary>
    private static (long Before, long After) Margins(in AxisPatch patch)
    {
        var window = (TransposedWindow)patch.Map;
        var (start, end) = (window.FirstOutput(patch.Span.Start), window.EndOfOutputs(patch.Span.End));
        return (start - patch.Output.Start, patch.Output.End - end);
    }

    private sealed class Record(TransposedConvolutionLayer layer, Tensor window, Patch patch, bool inputWanted) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => [window];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            var (weight, bias) = (layer.convolution.weight, layer.convolution.bias);
            if (bias is { requires_grad: true })
                parameters.Add(bias, gradient.sum([0, 2, 3]));
            if (patch.Input.IsEmpty)
                return [null];

            var ((above, below), (left, right)) = (Margins(patch.Rows), Margins(patch.Columns));
            var ofResult = functional.pad(gradient, [-left, -right, -above, -below], PaddingModes.Constant, 0);
            var blocks = layer.Blocks;
            var (ofInput, ofWeight, _) = ScriptedOperators.ConvolutionBackward(
                blocks?.Output(ofResult) ?? ofResult,
                blocks?.Input(window) ?? window,
                blocks?.Weight(weight) ?? weight,
                new(layer.stride, default, layer.dilation, layer.convolution.groups) { IsTransposed = true },
                (inputWanted, weight.requires_grad, false));
            window.Dispose();
            if (ofWeight is not null)
                parameters.Add(weight, blocks?.OwnWeights(ofWeight) ?? ofWeight);
            return [ofInput is null ? null : new(blocks?.OwnInputs(ofInput) ?? ofInput, IsExclusive: true)];
        }

        public override void Dispose() => window.Dispose();
    }
}
