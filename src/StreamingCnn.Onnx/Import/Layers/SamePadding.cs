using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Onnx.Import.Operators;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Onnx.Import.Layers;

/// <summary>Padding that follows from the map's length, so that a window with a stride gives one output for each of them.</summary>
/// <param name="window">The window behind it.</param>
/// <param name="value">What the padding is.</param>
internal sealed class SamePadding(Window window, double value) : LocalLayer
{
    /// <inheritdoc/>
    public override string Name => "Same padding";

    /// <inheritdoc/>
    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

    /// <inheritdoc/>
    public override AxisMap Along(Axis axis, long length)
    {
        var (before, after) = window.Same(axis, length);
        return new SlidingWindow(length, 1, before: before, after: after);
    }

    /// <inheritdoc/>
    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => Border.FillConstant(inputs[0], patch, value).alias();

    /// <inheritdoc/>
    public override Tensor Whole(IReadOnlyList<Tensor> inputs)
    {
        var ((top, bottom), (left, right)) = (window.Same(Axis.Rows, inputs[0].shape[2]), window.Same(Axis.Columns, inputs[0].shape[3]));
        return functional.pad(inputs[0], [left, right, top, bottom], PaddingModes.Constant, value);
    }

    /// <inheritdoc/>
    internal override long PaddedPositions(in Patch patch) => 0;

    /// <inheritdoc/>
    internal override LayerMemory MemoryOf(in Patch patch) =>
        new(KeepsInput: true, KeepsOutput: true) { OutputIsPart = !patch.IsPadded, GradientIsPart = !patch.IsPadded };
}
