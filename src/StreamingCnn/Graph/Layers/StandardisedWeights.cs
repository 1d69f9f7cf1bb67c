using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// Weights of which each output channel has mean 0 and variance 1 (weight standardisation; Qiao et al., arXiv 1903.10520):
/// v = (W - mean) / s, s being the standard deviation.
/// </summary>
/// <remarks>
/// With G, the gradient of v: that of W is (G - mean of G - v times the mean of v G) / s, the means being over an output channel.
/// </remarks>
/// <param name="convolution">The convolution.</param>
internal sealed class StandardisedWeights(Conv2d convolution) : MadeWeights(convolution)
{
    /// <summary>Added to the variance.</summary>
    internal const double Eps = 1e-6;

    private static readonly long[] OfAChannel = [1, 2, 3];

    private Tensor? mean;
    private Tensor? deviation;

    public override bool NeedWeightGradient => Convolution.weight.requires_grad;

    public override bool NeedBiasGradient => Convolution.bias is { requires_grad: true };

    /// <inheritdoc/>
    public override Tensor? Bias => Convolution.bias;

    private Tensor Mean => mean ??= Kept(() => Convolution.weight.mean(OfAChannel, keepdim: true));

    private Tensor Deviation => deviation ??= Kept(() => DeviationOf(Convolution.weight - Mean));

    /// <summary>The weights by ordinary autograd.</summary>
    public static Tensor Of(Tensor weight)
    {
        var centred = weight - weight.mean(OfAChannel, keepdim: true);
        return centred / DeviationOf(centred);
    }

    /// <inheritdoc/>
    public override void Finish(IGradientSink parameters)
    {
        using var scope = NewDisposeScope();
        if (WeightSum?.contiguous() is { } sum)
        {
            var made = (Convolution.weight - Mean).div_(Deviation);
            var along = (sum * made).mean(OfAChannel, keepdim: true);
            var found = (sum - sum.mean(OfAChannel, keepdim: true)).sub_(made.mul_(along)).div_(Deviation);
            parameters.Add(Convolution.weight, found);
        }

        if (BiasSum is not null)
            parameters.Add(Convolution.bias!, BiasSum.alias());
        Dispose();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        mean = deviation = null;
    }

    /// <inheritdoc/>
    protected override Tensor Make(MapFormat format) => format.Copy(Convolution.weight).sub_(Mean).div_(Deviation);

    private static Tensor DeviationOf(Tensor centred) => centred.Squared().mean(OfAChannel, keepdim: true).Plus(Eps).sqrt();
}
