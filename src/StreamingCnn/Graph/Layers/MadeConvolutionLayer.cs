using StreamingCnn.Graph.Stages;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>A convolution with weights that a run makes of its own.</summary>
/// <param name="convolution">The convolution.</param>
internal abstract class MadeConvolutionLayer(Conv2d convolution) : ConvolutionLayer(convolution)
{
    protected Conv2d Convolution { get; } = convolution;

    internal override long RunBytes => MadeWeights.KeptBytes(Convolution);

    internal override LayerMemory MemoryOf(in Patch patch) => base.MemoryOf(patch) with { MakesWeights = true };

    /// <summary>Makes the weights for this rectangle alone; a run makes them once.</summary>
    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch)
    {
        using var run = Start();
        return run.Compute(inputs, patch);
    }

    /// <summary>Its norm would be folded into other weights than those that it computes with.</summary>
    internal override FoldedConvolutionLayer? With(BatchNormLayer reader) => null;

    internal override LayerRun Start(IRunQuantities? quantities = null) => new MadeRun(this, Make());

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        AutogradRecord.Run(this, inputs, patch, wanted);

    /// <summary>The weights of a run.</summary>
    protected abstract MadeWeights Make();

    private sealed class MadeRun(MadeConvolutionLayer layer, MadeWeights weights) : LayerRun
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
