using StreamingCnn.Graph;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>A trunk and its head as one network, with what the head says of the instances that its attention picks. All parts stay the
/// caller's.</summary>
internal sealed class TrunkWithInstances : StreamingHead
{
    private readonly Module<Tensor, Tensor>? trunk;
    private readonly PoolingHead head;

    /// <summary>Joins a trunk and a head.</summary>
    /// <param name="trunk">The trunk; null for a map that is there already.</param>
    /// <param name="head">The head.</param>
    public TrunkWithInstances(Module<Tensor, Tensor>? trunk, PoolingHead head)
        : base(nameof(TrunkWithInstances))
    {
        (this.trunk, this.head) = (trunk, head);
        if (trunk is null)
            register_module(nameof(head), head);
        else
            TrunkWithHead.Register(this, trunk, head);
    }

    /// <inheritdoc/>
    public override GlobalTensor Trace(FeatureMap input) => head.TraceInstances(trunk is null ? input : input.Through(trunk));

    /// <summary>Lets go of nothing: all parts belong to others.</summary>
    protected override void Dispose(bool disposing) => base.Dispose(false);
}
