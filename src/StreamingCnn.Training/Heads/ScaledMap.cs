using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>A network and the scale of its outputs. Both stay the caller's.</summary>
internal sealed class ScaledMap : StreamingBlock
{
    private readonly Module<Tensor, Tensor> network;
    private readonly OutputScale scale;

    /// <summary>Joins a network and a scale.</summary>
    public ScaledMap(Module<Tensor, Tensor> network, OutputScale scale)
        : base(nameof(ScaledMap))
    {
        (this.network, this.scale) = (network, scale);
        foreach (var (name, child) in network.named_children())
            register_module(name, child);
        register_module("output_scale", scale);
    }

    /// <inheritdoc/>
    public override FeatureMap Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Through(network).Through(scale);
    }

    /// <summary>Lets go of nothing: all parts belong to others.</summary>
    protected override void Dispose(bool disposing) => base.Dispose(false);
}
