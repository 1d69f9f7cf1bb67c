using StreamingCnn.Graph.Stages;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// A convolution with zero padding, and the norm with running statistics that alone reads it, as one convolution; see <see
/// cref="FoldedNorm"/>.
/// </summary>
/// <param name="convolution">The convolution.</param>
/// <param name="norm">The norm.</param>
internal sealed class FoldedConvolutionLayer(Conv2d convolution, BatchNormLayer norm) : ConvolutionLayer(convolution)
{
    private readonly Conv2d convolution = convolution;

    public override IEnumerable<Parameter> Parameters => base.Parameters.Concat(norm.Parameters);

    internal override IEnumerable<Module> Modules => [convolution, norm.Module];

    internal override LayerMemory MemoryOf(in Patch patch) => base.MemoryOf(patch) with { MakesWeights = true };

    internal override long RunBytes => FoldedNorm.KeptBytes(convolution);

    /// <summary>Makes the weights for this rectangle alone; a run makes them once.</summary>
    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch)
    {
        using var run = Start();
        return run.Compute(inputs, patch);
    }

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => norm.Whole([base.Whole(inputs)]);

    internal override LayerRun Start(IRunQuantities? quantities = null) => new FoldedRun(this, new FoldedNorm(convolution, norm.Norm));

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        AutogradRecord.Run(this, inputs, patch, wanted);

    private sealed class FoldedRun(FoldedConvolutionLayer layer, FoldedNorm weights) : LayerRun
    {
        public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => layer.Compute(weights, inputs, patch);

        public override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
            layer.Run(weights, inputs, patch, wanted);

        public override LayerRecord RecordAlone(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
            layer.RecordAlone(weights, inputs, patch, wanted);

        public override void Finish(IGradientSink parameters) => weights.Finish(parameters);

        public override void Dispose() => weights.Dispose();
    }
}
