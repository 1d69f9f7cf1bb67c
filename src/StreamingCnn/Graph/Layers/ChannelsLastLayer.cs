using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>A Linear applied to the channels of each pixel. Its record keeps the input alone.</summary>
/// <param name="linear">The module.</param>
internal sealed class ChannelsLastLayer(Linear linear) : PointwiseLayer(linear)
{
    // It is a 1x1 convolution: too much work to repeat on values that are carried from tile to tile.
    public override bool IsPointwise => false;

    public override bool OutputIsFresh => true;

    public override string? Refusal => WeightShape.RefusalOf(linear.weight, linear.out_features, linear.in_features);

    internal override WorkKind WorkKind => WorkKind.PerPixel;

    internal override double WorkPerPosition => 2.0 * linear.in_features * linear.out_features;

    public override long? InputChannels => linear.in_features;

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0] == linear.in_features
        ? linear.out_features
        : throw new GeometryException($"expects {linear.in_features} channels, but gets {inputs[0]}");

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => Apply(inputs[0]);

    internal override LayerMemory MemoryOf(in Patch patch) => new(KeepsInput: true, KeepsOutput: false) { GradientIsFresh = true };

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        (Compute(inputs, patch), new Record(linear, inputs[0].alias().DetachFromDisposeScope(), wanted[0]));

    protected override Tensor Apply(Tensor input) => linear.call(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2);

    private sealed class Record(Linear linear, Tensor window, bool inputWanted) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => [window];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            var (images, height, width) = (window.shape[0], window.shape[2], window.shape[3]);
            var outputs = Pixels(gradient);
            if (linear.weight.requires_grad)
                parameters.Add(linear.weight, outputs.t().mm(Pixels(window)));
            if (linear.bias is { requires_grad: true } bias)
                parameters.Add(bias, outputs.sum([0]));
            window.Dispose();
            return
            [
                inputWanted
                    ? new(outputs.mm(linear.weight).view(images, height, width, linear.in_features).permute(0, 3, 1, 2), IsExclusive: true)
                    : null,
            ];
        }

        public override void Dispose() => window.Dispose();

        private static Tensor Pixels(Tensor map) => map.permute(0, 2, 3, 1).reshape(-1, map.shape[1]);
    }
}
