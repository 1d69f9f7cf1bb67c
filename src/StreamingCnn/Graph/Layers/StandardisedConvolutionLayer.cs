using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>A convolution with zero padding whose weights are standardised; see <see cref="StandardisedWeights"/>.</summary>
/// <param name="convolution">The convolution.</param>
internal sealed class StandardisedConvolutionLayer(Conv2d convolution) : MadeConvolutionLayer(convolution)
{
    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => Whole(inputs[0], StandardisedWeights.Of(Convolution.weight));

    protected override MadeWeights Make() => new StandardisedWeights(Convolution);
}
