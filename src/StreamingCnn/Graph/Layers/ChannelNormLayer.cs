using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using StreamingCnn.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// Layer normalisation over the channels of each pixel. Its record keeps the input, and the mean and deviation of each pixel.
/// </summary>
internal sealed class ChannelNormLayer : PointwiseLayer
{
    private readonly bool isOfPixels;
    private readonly long channels;
    private readonly double eps;

    /// <summary>A norm of the last dimension, which is that of the channels then.</summary>
    public ChannelNormLayer(LayerNorm norm)
        : base(norm) => (isOfPixels, channels, eps) = (true, norm.normalized_shape[^1], norm.eps);

    public ChannelNormLayer(ChannelLayerNorm norm)
        : base(norm) => (channels, eps) = (norm.Weight.numel(), norm.Eps);

    private Parameter? Weight => Module is LayerNorm norm ? norm.weight : ((ChannelLayerNorm)Module).Weight;

    private Parameter? Bias => Module is LayerNorm norm ? norm.bias : ((ChannelLayerNorm)Module).Bias;

    public override bool OutputIsFresh => true;

    public override long? InputChannels => channels;

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0] == channels
        ? channels
        : throw new GeometryException($"expects {channels} channels, but gets {inputs[0]}");

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => isOfPixels ? Apply(inputs[0]) : base.Whole(inputs);

    internal override LayerMemory MemoryOf(in Patch patch) => new(KeepsInput: true, KeepsOutput: false)
    {
        ValuesPerPosition = 2,
        GradientIsFresh = true,
    };

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted)
    {
        var (output, mean, scale) = ScriptedOperators.LayerNorm(inputs[0].permute(0, 2, 3, 1), Weight, Bias, eps);
        return (
            output.permute(0, 3, 1, 2),
            new Record(
                this,
                inputs[0].alias().DetachFromDisposeScope(),
                mean.DetachFromDisposeScope(),
                scale.DetachFromDisposeScope(),
                wanted[0]));
    }

    protected override Tensor Apply(Tensor input) => isOfPixels
        ? ((Module<Tensor, Tensor>)Module).call(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        : base.Apply(input);

    private sealed class Record(ChannelNormLayer layer, Tensor window, Tensor mean, Tensor scale, bool inputWanted) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => [window, mean, scale];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            var (weight, bias) = (layer.Weight, layer.Bias);
            var (input, ofWeight, ofBias) = ScriptedOperators.LayerNormBackward(
                gradient.permute(0, 2, 3, 1),
                window.permute(0, 2, 3, 1),
                (mean, scale),
                weight,
                bias,
                (inputWanted, weight is { requires_grad: true }, bias is { requires_grad: true }));
            Dispose();
            if (ofWeight is not null)
                parameters.Add(weight!, ofWeight);
            if (ofBias is not null)
                parameters.Add(bias!, ofBias);
            return [input is null ? null : new(input.permute(0, 3, 1, 2), IsExclusive: true)];
        }

        public override void Dispose()
        {
            window.Dispose();
            mean.Dispose();
            scale.Dispose();
        }
    }
}
