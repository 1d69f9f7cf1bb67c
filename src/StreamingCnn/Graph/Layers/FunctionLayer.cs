using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>An activation as autograd records it, computed by a function in its module's place.</summary>
/// <param name="activation">The module.</param>
/// <param name="function">What it computes.</param>
/// <param name="kept">Maps that autograd keeps of it besides input and output.</param>
internal sealed class FunctionLayer<TModule>(TModule activation, Func<TModule, Tensor, Tensor> function, int kept)
    : ActivationLayer(activation, kept)
    where TModule : Module<Tensor, Tensor>
{
    // The module may be set to work in place.
    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => activation.call(inputs[0].clone());

    protected override Tensor Apply(Tensor input) => function(activation, input);
}
