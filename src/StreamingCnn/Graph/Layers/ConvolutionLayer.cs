using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// Conv2d with any kernel, stride, dilation, groups, and zero, reflecting or replicating padding. The backward pass calls
/// libtorch's convolution_backward itself, so that neither output nor padded input has to be kept for autograd.
/// </summary>
internal class ConvolutionLayer : LocalLayer
{
    private const int ManyChannels = 16;

    private readonly Conv2d convolution;
    private readonly Pair kernel;
    private readonly Pair stride;
    private readonly Pair dilation;
    private readonly Pair before;
    private readonly Pair after;
    private readonly ChannelBlocks? blocks;
    private readonly OwnWeights own;

    public ConvolutionLayer(Conv2d convolution)
    {
        this.convolution = convolution;
        own = new(convolution);
        kernel = Pair.From(convolution.kernel_size);
        stride = Pair.From(convolution.stride, new(1, 1));
        dilation = Pair.From(convolution.dilation, new(1, 1));
        blocks = ChannelBlocks.For(convolution.in_channels, convolution.out_channels, convolution.groups, kernel);
        if (convolution.padding_type == TorchSharp.Padding.Same)
        {
            var total = new Pair(dilation.Rows * (kernel.Rows - 1), dilation.Columns * (kernel.Columns - 1));
            before = new(total.Rows / 2, total.Columns / 2);
            after = new(total.Rows - before.Rows, total.Columns - before.Columns);
        }
        else
        {
            before = after = Pair.From(convolution.padding);
        }
    }

    public override Module Module => convolution;

    public override bool OutputIsFresh => true;

    public override string? Refusal => RefusalOfPadding
        ?? WeightShape.RefusalOf(
            convolution.weight,
            convolution.out_channels,
            convolution.in_channels / convolution.groups,
            kernel.Rows,
            kernel.Columns);

    internal override double WorkPerPosition =>
        2.0 * convolution.out_channels * convolution.in_channels / convolution.groups * kernel.Rows * kernel.Columns;

    internal override WorkKind WorkKind =>
        convolution.in_channels / convolution.groups >= ManyChannels ? WorkKind.Convolution
        : convolution.groups > 1 ? WorkKind.GroupedConvolution : WorkKind.ImageConvolution;

    /// <summary>On some processors the library's convolutions of other channels are wrong in that type.</summary>
    internal override bool IsRightInBFloat16 =>
        convolution.groups == 1 && ChannelBlocks.AreFull(convolution.in_channels) && ChannelBlocks.AreFull(convolution.out_channels);

    private ChannelBlocks? Blocks => blocks is not null && ChannelBlocks.AreNeededFor(convolution.weight) ? blocks : null;

    private string? RefusalOfPadding => convolution.padding_mode == PaddingModes.Circular
        ? "pads circularly, so that its first output reads the image's last pixels; use zeros, reflect or replicate padding"
        : convolution.padding_type == TorchSharp.Padding.Same && convolution.padding_mode != PaddingModes.Zeros
            && (before.Rows != before.Columns || after.Rows != after.Columns)
            ? $"pads by 'same' with mode {convolution.padding_mode}, which TorchSharp applies to the wrong axes "
                + "unless both have the same padding; give the padding as numbers"
            : null;

    private bool PadsWithZeros => convolution.padding_mode is PaddingModes.Zeros or PaddingModes.Constant;

    /// <summary>This layer with the norm that reads it; null where they must stay two.</summary>
    internal virtual FoldedConvolutionLayer? With(BatchNormLayer reader) =>
        PadsWithZeros
            && reader.Norm.running_var is { } variance
            && variance.dtype == convolution.weight.dtype
            && variance.device_type == convolution.weight.device_type
            ? new(convolution, reader)
            : null;

    public override long? InputChannels => convolution.in_channels;

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0] == convolution.in_channels
        ? convolution.out_channels
        : throw new GeometryException($"expects {convolution.in_channels} input channels, but gets {inputs[0]}");

    public override AxisMap Along(Axis axis, long length)
    {
        long k = kernel[axis], s = stride[axis], d = dilation[axis], p = before[axis], q = after[axis];
        if (PadsWithZeros || (p == 0 && q == 0))
            return new SlidingWindow(length, k, s, d, p, q);

        AxisMap padding = convolution.padding_mode == PaddingModes.Reflect
            ? new ReflectionPadding(length, p, q)
            : new ReplicationPadding(length, p, q);
        // What the border mirrors lies inside the window anyway when the padding is at most half of it.
        return Math.Max(p, q) <= d * (k - 1) / 2
            ? new SlidingWindow(length, k, s, d, p, q)
            : new Composition(padding, new SlidingWindow(padding.OutputLength, k, s, d));
    }

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => Compute(own, inputs, patch);

    internal override LayerMemory MemoryOf(in Patch patch)
    {
        var isOwn = !IsLeftToAutograd(patch);
        return new(KeepsInput: true, KeepsOutput: !isOwn)
        {
            FollowsFromInput = isOwn,
            KeepsPaddedCopyOnly = isOwn,
            GradientIsPadded = isOwn,
            GradientIsFresh = isOwn,
            Rearranges = true,
            Growth = Blocks?.Growth ?? 0,
        };
    }

    internal override Region? ZeroPadded(in Patch patch) =>
        PadsWithZeros && AddedInMemory(patch) is { IsPadded: true } added ? added.Padded : null;

    internal override long PaddedPositions(in Patch patch) => PadsWithZeros ? AddedInMemory(patch).PaddedPositions
        : IsCopied(patch.Rows, Axis.Rows) || IsCopied(patch.Columns, Axis.Columns)
            ? Reach(patch.Rows, Axis.Rows).Count * Reach(patch.Columns, Axis.Columns).Count
            : 0;

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => convolution.call(inputs[0]);

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        IsLeftToAutograd(patch) ? base.Run(inputs, patch, wanted) : Run(own, inputs, patch, wanted);

    internal override LayerRecord RecordAlone(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        IsLeftToAutograd(patch) ? base.RecordAlone(inputs, patch, wanted) : RecordAlone(own, inputs, patch, wanted);

    /// <summary>Computes a rectangle with given weights.</summary>
    protected Tensor Compute(IConvolutionWeights weights, IReadOnlyList<Tensor> inputs, in Patch patch)
    {
        var (window, padding) = Pad(inputs[0], patch);
        var output = Convolve(weights, window, padding);
        if (!ReferenceEquals(window, inputs[0]) && !window.requires_grad)
            window.Dispose();
        return output;
    }

    /// <summary>Computes a rectangle with given weights and records what its backward pass needs.</summary>
    protected (Tensor Output, LayerRecord Record) Run(
        IConvolutionWeights weights, IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted)
    {
        var (window, padding) = Pad(inputs[0], patch);
        return (Convolve(weights, window, padding), Keep(weights, inputs[0], window, padding, patch, wanted[0]));
    }

    /// <summary>Records what the backward pass of a rectangle needs, which is its window.</summary>
    protected LayerRecord RecordAlone(IConvolutionWeights weights, IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted)
    {
        var (window, padding) = Pad(inputs[0], patch);
        return Keep(weights, inputs[0], window, padding, patch, wanted[0]);
    }

    /// <summary>The convolution of a whole map by other weights than its own, with zero padding.</summary>
    protected Tensor Whole(Tensor map, Tensor weight) => Convolve(map, weight, convolution.bias, before);

    private Record Keep(IConvolutionWeights weights, Tensor input, Tensor window, Pair padding, in Patch patch, bool wanted)
    {
        var kept = ReferenceEquals(window, input) ? window.alias() : window;
        return new(this, weights, kept.DetachFromDisposeScope(), padding, PadsWithZeros ? AddedInMemory(patch) : patch, wanted);
    }

    private Tensor Convolve(IConvolutionWeights weights, Tensor window, Pair padding)
    {
        var weight = As(window, weights.Weight(window.Format()));
        var bias = weights.Bias is { } values ? As(window, values) : null;
        if (Blocks is not { } needed)
            return Convolve(window, weight, bias, padding);

        var filled = needed.Input(window);
        var output = needed.OwnOutputs(Convolve(filled, needed.Weight(weight), needed.Bias(bias), padding));
        if (!ReferenceEquals(filled, window) && !filled.requires_grad)
            filled.Dispose();
        return output;
    }

    private Tensor Convolve(Tensor window, Tensor weight, Tensor? bias, Pair padding)
    {
        var arguments = Arguments(padding);
        return PointConvolution.Replaces(weight, arguments)
            ? PointConvolution.Compute(window, weight, bias, arguments)
            : functional.conv2d(window, weight, bias, stride.ToArray(), padding.ToArray(), dilation.ToArray(), convolution.groups);
    }

    private ConvolutionArguments Arguments(Pair padding) => new(stride, padding, dilation, convolution.groups);

    /// <summary>Weights or bias in the type of the map.</summary>
    private static Tensor As(Tensor window, Tensor values) => values.dtype == window.dtype ? values : values.to(window.dtype);

    /// <summary>
    /// The window with its padding, as far as the convolution cannot add it by itself: its own padding is the same on both sides.
    /// </summary>
    private (Tensor Window, Pair Native) Pad(Tensor window, in Patch patch)
    {
        if (!PadsWithZeros)
            return (Mirror(window, patch), default);

        return (
            patch.LaidOut ?? Border.FillConstant(window, AddedInMemory(patch)),
            new Pair(Native(patch.Rows, Axis.Rows), Native(patch.Columns, Axis.Columns)));
    }

    /// <summary>The patch with the padding alone for which the window is copied; the rest the library adds as it goes.</summary>
    private Patch AddedInMemory(in Patch patch)
    {
        return new Patch(Left(patch.Rows, Axis.Rows), Left(patch.Columns, Axis.Columns));

        AxisPatch Left(in AxisPatch along, Axis axis) =>
            Native(along, axis) > 0 ? along with { Span = along.Span with { Before = 0, After = 0 } } : along;
    }

    private long Native(in AxisPatch patch, Axis axis) =>
        before[axis] == after[axis]
            && patch.Output == new Interval(0, patch.Map.OutputLength)
            && patch.Span.Interval == new Interval(0, patch.Map.InputLength)
            ? before[axis]
            : 0;

    private Tensor Mirror(Tensor window, in Patch patch) =>
        MirrorAlong(MirrorAlong(window, patch.Rows, Axis.Rows), patch.Columns, Axis.Columns);

    private Tensor MirrorAlong(Tensor window, in AxisPatch patch, Axis axis)
    {
        var (first, count) = Reach(patch, axis);
        return Border.FillFrom(window, axis == Axis.Rows ? 2 : 3, patch.Span.Start, first, count, Mirrored(patch.Map.InputLength));
    }

    private bool IsCopied(in AxisPatch patch, Axis axis)
    {
        var (first, count) = Reach(patch, axis);
        return !Border.IsPart(first, count, Mirrored(patch.Map.InputLength));
    }

    private Func<long, long> Mirrored(long length) => convolution.padding_mode == PaddingModes.Reflect
        ? position => ReflectionPadding.Source(position, length)
        : position => ReplicationPadding.Source(position, length);

    /// <summary>The mirrored border's own gradient is; it is needed at the image's border only.</summary>
    private bool IsLeftToAutograd(in Patch patch) => !PadsWithZeros && ReadsOutside(patch);

    private bool ReadsOutside(in Patch patch) => ReadsOutside(patch.Rows, Axis.Rows) || ReadsOutside(patch.Columns, Axis.Columns);

    private bool ReadsOutside(in AxisPatch patch, Axis axis)
    {
        var (first, count) = Reach(patch, axis);
        return first < 0 || first + count > patch.Map.InputLength;
    }

    /// <summary>The positions that the patch's taps cover, the border's included.</summary>
    private (long First, long Count) Reach(in AxisPatch patch, Axis axis) => (
        stride[axis] * patch.Output.Start - before[axis],
        stride[axis] * (patch.Output.Length - 1) + dilation[axis] * (kernel[axis] - 1) + 1);

    private sealed class Record(
        ConvolutionLayer layer, IConvolutionWeights weights, Tensor window, Pair padding, Patch added, bool inputWanted) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => [window];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            var blocks = layer.Blocks;
            var weight = As(window, weights.Weight(window.Format()));
            var (input, ofWeight, ofBias) = ConvolutionGradients.Of(
                blocks?.Output(gradient) ?? gradient,
                blocks?.Input(window) ?? window,
                blocks?.Weight(weight) ?? weight,
                layer.Arguments(padding),
                (inputWanted, weights.NeedWeightGradient, weights.NeedBiasGradient));
            window.Dispose();
            weights.Add(
                ofWeight is null ? null : blocks?.OwnWeights(ofWeight) ?? ofWeight,
                ofBias is null || blocks is null ? ofBias : ofBias.narrow(0, 0, layer.convolution.out_channels),
                parameters);
            return [input is null ? null : new(Border.WithoutPadding(blocks?.OwnInputs(input) ?? input, added), IsExclusive: true)];
        }

        public override void Dispose() => window.Dispose();
    }
}
