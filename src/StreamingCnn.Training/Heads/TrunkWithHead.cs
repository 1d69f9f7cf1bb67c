using StreamingCnn.Graph;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>A trunk and its head as one network, of which the trunk's output never exists whole. Both stay the caller's.</summary>
internal sealed class TrunkWithHead : StreamingHead
{
    private const string Head = "head";

    private readonly Module<Tensor, Tensor>[] parts;
    private readonly PoolingHead head;

    /// <summary>Joins a trunk and a head.</summary>
    /// <param name="trunk">The trunk.</param>
    /// <param name="head">The head.</param>
    /// <param name="between">Layers between the two.</param>
    public TrunkWithHead(Module<Tensor, Tensor> trunk, PoolingHead head, params Module<Tensor, Tensor>[] between)
        : base(nameof(TrunkWithHead))
    {
        (parts, this.head) = ([trunk, .. between], head);
        Register(this, trunk, head);
    }

    /// <inheritdoc/>
    public override GlobalTensor Trace(FeatureMap input) =>
        head.Trace(parts.Aggregate(input, (map, part) => map.Through(part)));

    /// <summary>Names a network's parts: errors and plans name layers as their parameters are named within the trunk.</summary>
    public static void Register(Module network, Module trunk, Module head)
    {
        var children = trunk.named_children().ToArray();
        var areNamed = children.Length > 0 && children.All(child => child.name != Head);
        foreach (var (name, child) in areNamed ? children : [("trunk", trunk)])
            network.register_module(name, child);
        network.register_module(Head, head);
    }

    /// <summary>Lets go of nothing: all parts belong to others.</summary>
    protected override void Dispose(bool disposing) => base.Dispose(false);
}
