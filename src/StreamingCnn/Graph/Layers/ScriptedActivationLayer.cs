using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// An activation whose gradient follows from its input, by operators that TorchSharp does not give, or not with their numbers.
/// </summary>
/// <param name="activation">The module.</param>
/// <param name="function">What it computes.</param>
/// <param name="gradient">The gradient of its input, from that of its output and the input.</param>
internal sealed class ScriptedActivationLayer<TModule>(
    TModule activation, Func<TModule, Tensor, Tensor> function, Func<TModule, Tensor, Tensor, Tensor> gradient) : PointwiseLayer(activation)
    where TModule : Module<Tensor, Tensor>
{
    public override bool OutputIsFresh => true;

    // The module may be set to work in place.
    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => activation.call(inputs[0].clone());

    internal override LayerMemory MemoryOf(in Patch patch) => new(KeepsInput: true, KeepsOutput: false) { GradientIsFresh = true };

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        (Apply(inputs[0]), new Record(this, inputs[0].alias().DetachFromDisposeScope()));

    protected override Tensor Apply(Tensor input) => function(activation, input);

    private Tensor Gradient(Tensor ofOutput, Tensor input) => gradient(activation, ofOutput, input);

    private sealed class Record(ScriptedActivationLayer<TModule> layer, Tensor input) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => [input];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            var ofInput = layer.Gradient(gradient, input);
            input.Dispose();
            return [new(ofInput, IsExclusive: true)];
        }

        public override void Dispose() => input.Dispose();
    }
}
