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
internal sealed class FoldedConvolutionLayer(Conv2d convolution, BatchNormLayer norm) : MadeConvolutionLayer(convolution)
{
    public override IEnumerable<Parameter> Parameters => base.Parameters.Concat(norm.Parameters);

    internal override IEnumerable<Module> Modules => [Convolution, norm.Module];

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => norm.Whole([base.Whole(inputs)]);

    protected override MadeWeights Make() => new FoldedNorm(Convolution, norm.Norm);
}
