using StreamingCnn.Graph;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>A trunk and what its head pools, without the linear layer behind it. All parts stay the caller's.</summary>
internal sealed class TrunkWithPooling : StreamingHead
{
    private readonly Module<Tensor, Tensor>? trunk;
    private readonly PoolingHead head;

    /// <summary>Joins a trunk and a head's pooling.</summary>
    /// <param name="trunk">The trunk; null for the pooling of a map that is there already.</param>
    /// <param name="head">The head.</param>
    public TrunkWithPooling(Module<Tensor, Tensor>? trunk, PoolingHead head)
        : base(nameof(TrunkWithPooling))
    {
        (this.trunk, this.head) = (trunk, head);
        if (trunk is null)
            register_module(nameof(head), head);
        else
            TrunkWithHead.Register(this, trunk, head);
    }

    /// <inheritdoc/>
    public override GlobalTensor Trace(FeatureMap input) => head.Pool(trunk is null ? input : input.Through(trunk));

    /// <summary>Lets go of nothing: all parts belong to others.</summary>
    protected override void Dispose(bool disposing) => base.Dispose(false);
}
