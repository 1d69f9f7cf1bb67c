using StreamingCnn.Geometry;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>A layer whose output has the size of another map, of which it reads nothing else.</summary>
internal abstract class SizedLayer : LocalLayer
{
    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

    public sealed override AxisMap Along(Axis axis, long length) =>
        throw new InvalidOperationException($"{Name} needs the length of the map whose size it takes.");

    /// <summary>The layer on a whole map.</summary>
    /// <param name="inputs">The map, and the one whose size it takes.</param>
    public sealed override Tensor Whole(IReadOnlyList<Tensor> inputs) => Whole(inputs[0], inputs[1].shape[2], inputs[1].shape[3]);

    /// <summary>The layer on a whole map, for an output of a given size.</summary>
    protected abstract Tensor Whole(Tensor map, long height, long width);
}

/// <summary>Bilinear interpolation to another map's size, with pixel centres or corner pixels aligned.</summary>
internal sealed class BilinearResizingLayer(bool alignCorners) : SizedLayer
{
    /// <summary>Whether corner pixels are aligned.</summary>
    public bool AlignCorners => alignCorners;

    public override string Name => "Resize";

    internal override AxisMap Fitted(Axis axis, long length, long wanted) => new LinearResize(length, wanted, alignCorners);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => BilinearUpsamplingLayer.Interpolated(inputs[0], patch);

    protected override Tensor Whole(Tensor map, long height, long width) =>
        functional.interpolate(map, [height, width], mode: InterpolationMode.Bilinear, align_corners: alignCorners);
}

/// <summary>Bicubic interpolation to another map's size, with pixel centres or corner pixels aligned.</summary>
internal sealed class BicubicResizingLayer(bool alignCorners) : SizedLayer
{
    /// <summary>Whether corner pixels are aligned.</summary>
    public bool AlignCorners => alignCorners;

    public override string Name => "ResizeBicubic";

    internal override bool IsRightInBFloat16 => false;

    internal override AxisMap Fitted(Axis axis, long length, long wanted) => new CubicResize(length, wanted, alignCorners);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => BicubicUpsamplingLayer.Interpolated(inputs[0], patch);

    protected override Tensor Whole(Tensor map, long height, long width) =>
        functional.interpolate(map, [height, width], mode: InterpolationMode.Bicubic, align_corners: alignCorners);
}

/// <summary>The nearest neighbours at another map's size.</summary>
internal sealed class NearestResizingLayer : SizedLayer
{
    public override string Name => "ResizeToNearest";

    internal override AxisMap Fitted(Axis axis, long length, long wanted) => new NearestResize(length, wanted);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => NearestUpsamplingLayer.Picked(inputs[0], patch);

    internal override LayerMemory MemoryOf(in Patch patch) => NearestUpsamplingLayer.MemoryOfPicked(patch);

    protected override Tensor Whole(Tensor map, long height, long width) =>
        functional.interpolate(map, [height, width], mode: InterpolationMode.Nearest);
}

/// <summary>The first rows and columns of a map, as many as another one has.</summary>
internal sealed class CroppingLayer : SizedLayer
{
    public override string Name => "Crop";

    internal override AxisMap Fitted(Axis axis, long length, long wanted) => wanted <= length
        ? new SlidingWindow(length, 1, after: wanted - length)
        : throw new GeometryException($"cannot crop {length} positions to {wanted}; crop the larger map, or resize");

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => inputs[0].alias();

    internal override LayerMemory MemoryOf(in Patch patch) => new() { OutputIsPart = true, GradientIsPart = true };

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        (Compute(inputs, patch), new HandingRecord([wanted[0]]));

    protected override Tensor Whole(Tensor map, long height, long width) => map.narrow(2, 0, height).narrow(3, 0, width);
}
