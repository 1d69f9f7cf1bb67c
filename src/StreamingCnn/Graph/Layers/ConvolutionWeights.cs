using StreamingCnn.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>What a convolution computes with, and where the gradients of that go.</summary>
internal interface IConvolutionWeights
{
    /// <summary>Whether the weights' gradient is needed.</summary>
    bool NeedWeightGradient { get; }

    /// <summary>Whether the bias' gradient is needed.</summary>
    bool NeedBiasGradient { get; }

    /// <summary>The bias, [C'], or null.</summary>
    Tensor? Bias { get; }

    /// <summary>The weights, [C', C / groups, k, k].</summary>
    /// <param name="format">The maps' format; the library rearranges weights that have another one.</param>
    Tensor Weight(MapFormat format);

    /// <summary>Takes the gradients of a rectangle.</summary>
    /// <param name="ofWeight">The gradient of <see cref="Weight"/>; null where it is not needed. It is used up.</param>
    /// <param name="ofBias">The gradient of <see cref="Bias"/>; null where it is not needed. It is used up.</param>
    /// <param name="parameters">Receives gradients of parameters.</param>
    void Add(Tensor? ofWeight, Tensor? ofBias, IGradientSink parameters);
}

/// <summary>The convolution's own weights.</summary>
internal sealed class OwnWeights(Conv2d convolution) : IConvolutionWeights
{
    public bool NeedWeightGradient => convolution.weight.requires_grad;

    public bool NeedBiasGradient => convolution.bias is { requires_grad: true };

    public Tensor? Bias => convolution.bias;

    public Tensor Weight(MapFormat format) => convolution.weight;

    public void Add(Tensor? ofWeight, Tensor? ofBias, IGradientSink parameters)
    {
        if (ofWeight is not null)
            parameters.Add(convolution.weight, ofWeight);
        if (ofBias is not null)
            parameters.Add(convolution.bias!, ofBias);
    }
}
