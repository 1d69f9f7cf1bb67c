using StreamingCnn.Geometry;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>A factor for each channel, from a parameter that belongs to a block rather than to a module of its own.</summary>
/// <param name="factors">[C, 1, 1].</param>
internal sealed class ChannelFactorLayer(Parameter factors) : LocalLayer
{
    public override bool IsPointwise => true;

    public override IEnumerable<Parameter> Parameters => [factors];

    public override long? InputChannels => factors.numel();

    public override long OutputChannels(IReadOnlyList<long> inputs) => inputs[0] == factors.numel()
        ? inputs[0]
        : throw new GeometryException($"has {factors.numel()} factor(s) for {inputs[0]} channel(s)");

    public override AxisMap Along(Axis axis, long length) => new IdentityMap(length);

    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => Whole(inputs);

    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => inputs[0] * factors;
}
