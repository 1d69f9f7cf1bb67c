using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>Squares of 2 x 2 positions become channels. It moves values alone, so that its record holds nothing.</summary>
internal sealed class StackedPatchesLayer(StackedPatches stack) : LocalLayer
{
    private const long Side = 2;

    public override Module Module => stack;

    public override bool OutputIsFresh => true;

    public override long OutputChannels(IReadOnlyList<long> inputs) => Side * Side * inputs[0];

    public override AxisMap Along(Axis axis, long length) => new SlidingWindow(length, Side, Side, after: length % Side);

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => stack.call(inputs[0]);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch)
    {
        using var scope = NewDisposeScope();
        var padded = Border.FillConstant(inputs[0], patch);
        var (images, channels, height, width) = (padded.shape[0], padded.shape[1], padded.shape[2] / Side, padded.shape[3] / Side);
        var output = padded.Format().Empty([images, Side * Side * channels, height, width], padded.dtype, padded.device);
        for (var i = 0; i < Side * Side; i++)
            Stacked(output, i).copy_(Every(padded, i));
        return output.MoveToOuterDisposeScope();
    }

    internal override LayerMemory MemoryOf(in Patch patch) => new() { GradientIsPadded = true, GradientIsFresh = true };

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        (Compute(inputs, patch), new Record(patch, wanted[0]));

    /// <summary>The positions that stand at one place of their squares: upper left, lower left, upper right, lower right.</summary>
    private static Tensor Every(Tensor map, int place) =>
        map.slice(2, place % Side, map.shape[2], Side).slice(3, place / Side, map.shape[3], Side);

    /// <summary>The channels that those become.</summary>
    private static Tensor Stacked(Tensor stacked, int place)
    {
        var channels = stacked.shape[1] / (Side * Side);
        return stacked.narrow(1, place * channels, channels);
    }

    private sealed class Record(Patch patch, bool isWanted) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => [];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            if (!isWanted)
                return [null];
            using var scope = NewDisposeScope();
            var shape = gradient.shape;
            var padded = gradient.Format()
                .Empty([shape[0], shape[1] / (Side * Side), Side * shape[2], Side * shape[3]], gradient.dtype, gradient.device);
            for (var i = 0; i < Side * Side; i++)
                Every(padded, i).copy_(Stacked(gradient, i));
            return [new(Border.WithoutPadding(padded, patch).MoveToOuterDisposeScope(), IsExclusive: true)];
        }

        public override void Dispose()
        {
        }
    }
}
