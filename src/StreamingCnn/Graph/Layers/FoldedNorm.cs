using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// BatchNorm2d with its running statistics, folded into the convolution before it: y = γ (W x + b - mean) / s + β is a convolution by γ/s W with another bias, s being the standard
/// deviation. The map between the two is never there, neither to be computed nor to be kept. Made for one run, which owns it.
/// </summary>
/// <remarks>
/// With G and g, the gradients of that convolution's weights and bias, and the scale γ/s: the gradient of W is G times the scale, that of b is g times the scale, that of β is g, and that of γ is
/// (sum of W G + (b - mean) g) / s, for the sum over positions of the gradient times W x is W times the sum of the gradient times x. Nothing is divided by γ, which may be 0.
/// </remarks>
/// <param name="convolution">The convolution.</param>
/// <param name="norm">The norm that reads it.</param>
internal sealed class FoldedNorm(Conv2d convolution, BatchNorm2d norm) : IConvolutionWeights, IDisposable
{
    // Weights of early layers are small, and made anew for every tile they would be most of the calls. Those of late ones are not kept a second time.
    private const long MostKeptBytes = 1 << 20;

    // Weights multiplied at a time in a wider type: few enough to stay in the processor's caches.
    private const long WeightsAtATime = 1 << 16;

    private Tensor? deviation;
    private Tensor? scale;
    private Tensor? centred;
    private Tensor? bias;
    private Tensor? weight;
    private Tensor? weightSum;
    private Tensor? biasSum;

    /// <summary>That of γ follows from it.</summary>
    public bool NeedWeightGradient => convolution.weight.requires_grad || norm.weight is { requires_grad: true };

    public bool NeedBiasGradient =>
        norm.bias is { requires_grad: true } || norm.weight is { requires_grad: true } || convolution.bias is { requires_grad: true };

    /// <summary>Bytes of the weights that a run keeps until its end; 0 where they are made for every tile.</summary>
    public static long KeptBytes(Conv2d convolution) =>
        convolution.weight.numel() * convolution.weight.element_size() is var bytes && bytes <= MostKeptBytes ? bytes : 0;

    /// <inheritdoc/>
    public Tensor? Bias => bias ??= Kept(() => norm.bias is { } shift ? (Centred * Scale) + shift : Centred * Scale);

    private Tensor Deviation => deviation ??= Kept(() => (norm.running_var! + norm.eps).sqrt());

    private Tensor Scale => scale ??= Kept(() => norm.weight is { } factor ? factor / Deviation : Deviation.reciprocal());

    /// <summary>The convolution's bias, less the mean.</summary>
    private Tensor Centred => centred ??= Kept(() => convolution.bias is { } own ? own - norm.running_mean! : -norm.running_mean!);

    /// <inheritdoc/>
    public Tensor Weight(MapFormat format)
    {
        return KeptBytes(convolution) > 0 ? weight ??= Kept(Make) : Make();

        Tensor Make() => format.Copy(convolution.weight).mul_(Channels(Scale));
    }

    /// <summary>Adds the gradients of a rectangle to what has come so far; <see cref="Finish"/> hands them on.</summary>
    /// <inheritdoc/>
    public void Add(Tensor? ofWeight, Tensor? ofBias, IGradientSink parameters) =>
        (weightSum, biasSum) = (Sum(weightSum, ofWeight), Sum(biasSum, ofBias));

    /// <summary>Hands on the gradients of the parameters, when those of all rectangles have come.</summary>
    /// <param name="parameters">Receives them.</param>
    public void Finish(IGradientSink parameters)
    {
        using var scope = NewDisposeScope();
        // In the parameters' order, which their gradients are to have.
        var ofWeights = weightSum?.contiguous();
        if (ofWeights is not null && norm.weight is { requires_grad: true } factor)
        {
            var centredSum = Centred.to(ScalarType.Float64) * biasSum!.to(ScalarType.Float64);
            parameters.Add(factor, ((centredSum + Products(ofWeights)) / Deviation).to(factor.dtype));
        }

        if (biasSum is not null && convolution.bias is { requires_grad: true } own)
            parameters.Add(own, biasSum * Scale);
        if (biasSum is not null && norm.bias is { requires_grad: true } shift)
            parameters.Add(shift, biasSum.alias());
        if (ofWeights is not null && convolution.weight.requires_grad)
            parameters.Add(convolution.weight, ofWeights.mul_(Channels(Scale)).alias());
        Dispose();
    }

    /// <summary>
    /// For each output channel the sum of its weights times their gradients: large sums that nearly cancel each other, so in float64,
    /// lest the small rest be rounded off.
    /// </summary>
    private Tensor Products(Tensor ofWeights)
    {
        var rows = Math.Max(1, WeightsAtATime * convolution.out_channels / ofWeights.numel());
        var products = new List<Tensor>();
        for (long row = 0; row < convolution.out_channels; row += rows)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(rows, convolution.out_channels - row);
            var weights = convolution.weight.narrow(0, row, count).to(ScalarType.Float64, copy: true);
            products.Add(weights.mul_(ofWeights.narrow(0, row, count)).sum([1, 2, 3]).MoveToOuterDisposeScope());
        }

        return cat(products);
    }

    /// <summary>Frees what was made for one run.</summary>
    public void Dispose()
    {
        foreach (var tensor in new[] { deviation, scale, centred, bias, weight, weightSum, biasSum })
            tensor?.Dispose();
        deviation = scale = centred = bias = weight = weightSum = biasSum = null;
    }

    private static Tensor Channels(Tensor values) => values.view(-1, 1, 1, 1);

    /// <summary>Makes a tensor that stays until the run's end.</summary>
    private static Tensor Kept(Func<Tensor> make)
    {
        using var scope = NewDisposeScope();
        using (TensorHeap.Lasting())
            return make().DetachFromDisposeScope();
    }

    private Tensor? Sum(Tensor? sum, Tensor? gradient)
    {
        if (gradient is null)
            return sum;
        // Maps may be of a narrower type; sums are of the parameters'.
        if (sum is null)
            sum = Kept(() => gradient.to(convolution.weight.dtype, copy: true));
        else
            sum.Accumulate(gradient);
        gradient.Dispose();
        return sum;
    }
}
