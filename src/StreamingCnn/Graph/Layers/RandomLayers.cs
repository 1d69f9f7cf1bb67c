using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// A layer that multiplies by random zeros. Its draws depend on the step, the layer and the position in the whole map alone, so that
/// they are the same in the recomputation and at every tile size. It is not pointwise to the engine: carried values are not drawn again.
/// </summary>
internal abstract class MaskingLayer(Module<Tensor, Tensor> module, double probability, bool worksInPlace) : LocalLayer
{
    public override Module Module => module;

    public override bool IsRandom => true;

    public override bool OutputIsFresh => true;

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0];

    public override AxisMap Along(Axis axis, long length) => new IdentityMap(length);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => Mask(inputs[0], patch);

    internal override LayerMemory MemoryOf(in Patch patch) => new() { GradientIsFresh = true };

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        (Mask(inputs[0], patch), new Record(this, patch, wanted[0]));

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => module.call(worksInPlace ? inputs[0].clone() : inputs[0]);

    /// <summary>Uniform numbers in [0, 1), of a shape that broadcasts to the input's.</summary>
    protected abstract Tensor Numbers(Tensor input, in Patch patch);

    private Tensor Mask(Tensor map, in Patch patch)
    {
        using var numbers = Numbers(map, patch);
        using var kept = numbers.IsAtLeast(probability).to(map.dtype);
        // At probability 1 nothing is kept, and nothing is to be scaled up.
        using var mask = probability < 1 ? kept.Over(1 - probability) : kept.clone();
        return map * mask;
    }

    /// <summary>The same numbers are drawn again.</summary>
    private sealed class Record(MaskingLayer layer, Patch patch, bool isWanted) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => [];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters) =>
            [isWanted ? new(layer.Mask(gradient, patch), IsExclusive: true) : null];

        public override void Dispose()
        {
        }
    }
}

/// <summary>Dropout of single values.</summary>
internal sealed class DropoutLayer(Dropout dropout) : MaskingLayer(dropout, dropout.p, dropout.inplace)
{
    protected override Tensor Numbers(Tensor input, in Patch patch)
    {
        long height = patch.Rows.Map.OutputLength, width = patch.Columns.Map.OutputLength;
        using var planes = KeptScalars.Range(0, input.shape[0] * input.shape[1], ScalarType.Int64, input.device)
            .reshape(input.shape[0], input.shape[1], 1, 1);
        using var rows = KeptScalars.Range(patch.Rows.Output.Start, patch.Rows.Output.End, ScalarType.Int64, input.device).reshape(-1, 1);
        using var columns = KeptScalars.Range(patch.Columns.Output.Start, patch.Columns.Output.End, ScalarType.Int64, input.device);
        return CounterRandom.Uniform(planes.Times(height).Plus(rows).Times(width).Plus(columns), patch.Seed);
    }
}

/// <summary>Dropout of whole channels: one draw for each channel of each image in the batch.</summary>
internal sealed class ChannelDropoutLayer(Dropout2d dropout) : MaskingLayer(dropout, dropout.p, dropout.inplace)
{
    protected override Tensor Numbers(Tensor input, in Patch patch) => CounterRandom.Uniform(
        KeptScalars.Range(0, input.shape[0] * input.shape[1], ScalarType.Int64, input.device)
            .reshape(input.shape[0], input.shape[1], 1, 1),
        patch.Seed);
}

/// <summary>Stochastic depth: one draw for each image in the batch.</summary>
internal sealed class StochasticDepthLayer(StochasticDepth depth) : MaskingLayer(depth, depth.Probability, worksInPlace: false)
{
    protected override Tensor Numbers(Tensor input, in Patch patch) => CounterRandom.Uniform(
        KeptScalars.Range(0, input.shape[0], ScalarType.Int64, input.device).reshape(-1, 1, 1, 1), patch.Seed);
}
