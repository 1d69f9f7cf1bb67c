using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// BatchNorm2d or InstanceNorm2d with its running statistics, folded into the convolution before it: y = γ (W x + b - mean) / s + β is a
/// convolution by γ/s W with another bias, s being the standard deviation. The map between the two is never there, neither to be computed
/// nor to be kept.
/// </summary>
/// <remarks>
/// With G and g, the gradients of that convolution's weights and bias, and the scale γ/s: the gradient of W is G times the scale, that of b
/// is g times the scale, that of β is g, and that of γ is (sum of W G + (b - mean) g) / s, for the sum over positions of the gradient times
/// W x is W times the sum of the gradient times x. Nothing is divided by γ, which may be 0.
/// </remarks>
/// <param name="convolution">The convolution.</param>
/// <param name="norm">The norm that reads it.</param>
internal sealed class FoldedNorm(Conv2d convolution, NormBase norm) : MadeWeights(convolution)
{
    // Weights multiplied at a time in a wider type: few enough to stay in the processor's caches.
    private const long WeightsAtATime = 1 << 16;

    private Tensor? deviation;
    private Tensor? scale;
    private Tensor? centred;
    private Tensor? bias;

    /// <summary>That of γ follows from it.</summary>
    public override bool NeedWeightGradient => Convolution.weight.requires_grad || norm.weight is { requires_grad: true };

    public override bool NeedBiasGradient =>
        norm.bias is { requires_grad: true } || norm.weight is { requires_grad: true } || Convolution.bias is { requires_grad: true };

    /// <inheritdoc/>
    public override Tensor? Bias => bias ??= Kept(() => norm.bias is { } shift ? (Centred * Scale).Plus(shift) : Centred * Scale);

    private Tensor Deviation => deviation ??= Kept(() => norm.running_var!.Plus(norm.eps).sqrt());

    private Tensor Scale => scale ??= Kept(() => norm.weight is { } factor ? factor / Deviation : Deviation.reciprocal());

    /// <summary>The convolution's bias, less the mean.</summary>
    private Tensor Centred => centred ??= Kept(() => Convolution.bias is { } own ? own - norm.running_mean! : -norm.running_mean!);

    /// <inheritdoc/>
    public override void Finish(IGradientSink parameters)
    {
        using var scope = NewDisposeScope();
        // In the parameters' order, which their gradients are to have.
        var ofWeights = WeightSum?.contiguous();
        if (ofWeights is not null && norm.weight is { requires_grad: true } factor)
        {
            var centredSum = Centred.to(ScalarType.Float64) * BiasSum!.to(ScalarType.Float64);
            parameters.Add(factor, (centredSum.Plus(Products(ofWeights)) / Deviation).to(factor.dtype));
        }

        if (BiasSum is not null && Convolution.bias is { requires_grad: true } own)
            parameters.Add(own, BiasSum * Scale);
        if (BiasSum is not null && norm.bias is { requires_grad: true } shift)
            parameters.Add(shift, BiasSum.alias());
        if (ofWeights is not null && Convolution.weight.requires_grad)
            parameters.Add(Convolution.weight, ofWeights.mul_(Channels(Scale)).alias());
        Dispose();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        deviation = scale = centred = bias = null;
    }

    /// <inheritdoc/>
    protected override Tensor Make(MapFormat format) => format.Copy(Convolution.weight).mul_(Channels(Scale));

    /// <summary>
    /// For each output channel the sum of its weights times their gradients: large sums that nearly cancel each other, so in float64,
    /// lest the small rest be rounded off.
    /// </summary>
    private Tensor Products(Tensor ofWeights)
    {
        var rows = Math.Max(1, WeightsAtATime * Convolution.out_channels / ofWeights.numel());
        var products = new List<Tensor>();
        for (long row = 0; row < Convolution.out_channels; row += rows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(rows, Convolution.out_channels - row);
            var weights = Convolution.weight.narrow(0, row, count).to(ScalarType.Float64, copy: true);
            products.Add(weights.mul_(ofWeights.narrow(0, row, count)).sum([1, 2, 3]).MoveToOuterDisposeScope());
        }

        return cat(products);
    }
}
