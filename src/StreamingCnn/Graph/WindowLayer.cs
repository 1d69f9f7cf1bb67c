using StreamingCnn.Geometry;
using StreamingCnn.Graph.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph;

/// <summary>
/// A layer that slides a window over its input, described by its integers and a function that runs it without padding: what a user
/// needs to teach the engine a pooling, filter or convolution of his own.
/// </summary>
/// <example>
/// <code>
/// LayerRegistry.Register&lt;BlurPool&gt;(
///     blur => new WindowLayer(blur, blur.RunWithoutPadding) { Kernel = (3, 3), Stride = (2, 2), Padding = (1, 1) });
/// </code>
/// </example>
/// <param name="module">The module; its own forward is used when the network runs on whole images.</param>
/// <param name="compute">Runs the layer on a window [N, C, h, w] that already holds its padding and must get none.</param>
public sealed class WindowLayer(Module<Tensor, Tensor> module, Func<Tensor, Tensor> compute) : LocalLayer
{
    /// <summary>Taps of the window in rows and columns.</summary>
    /// <value>The default value is (1, 1).</value>
    public (long Rows, long Columns) Kernel { get; init; } = (1, 1);

    /// <summary>Distance between windows.</summary>
    /// <value>The default value is (1, 1).</value>
    public (long Rows, long Columns) Stride { get; init; } = (1, 1);

    /// <summary>Distance between taps.</summary>
    /// <value>The default value is (1, 1).</value>
    public (long Rows, long Columns) Dilation { get; init; } = (1, 1);

    /// <summary>Padding on each side of the image.</summary>
    /// <value>The default value is (0, 0).</value>
    public (long Rows, long Columns) Padding { get; init; }

    /// <summary>What the padding is filled with.</summary>
    /// <value>The default value is 0.</value>
    public double PaddingValue { get; init; }

    /// <summary>Number of output channels.</summary>
    /// <value>The default value is null: as many as come in.</value>
    public long? Channels { get; init; }

    /// <inheritdoc/>
    public override Module Module => module;

    /// <inheritdoc/>
    public override long OutputChannels(IReadOnlyList<long> inputs) => Channels ?? inputs[0];

    /// <inheritdoc/>
    public override AxisMap Along(Axis axis, long length) => axis == Axis.Rows
        ? new SlidingWindow(length, Kernel.Rows, Stride.Rows, Dilation.Rows, Padding.Rows, Padding.Rows)
        : new SlidingWindow(length, Kernel.Columns, Stride.Columns, Dilation.Columns, Padding.Columns, Padding.Columns);

    /// <inheritdoc/>
    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) =>
        compute(Border.FillConstant(inputs[0], patch, PaddingValue));

    /// <inheritdoc/>
    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => module.call(inputs[0]);
}
