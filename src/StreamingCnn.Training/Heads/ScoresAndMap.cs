using StreamingCnn.Graph;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>A trunk and its head as one network that gives the trunk's output as well. Both stay the caller's.</summary>
internal sealed class ScoresAndMap : MultiOutputBlock
{
    private readonly Module<Tensor, Tensor> trunk;
    private readonly PoolingHead head;

    /// <summary>Joins a trunk and a head.</summary>
    public ScoresAndMap(Module<Tensor, Tensor> trunk, PoolingHead head)
        : base(nameof(ScoresAndMap))
    {
        (this.trunk, this.head) = (trunk, head);
        TrunkWithHead.Register(this, trunk, head);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<NetworkValue> Trace(FeatureMap input)
    {
        var map = input.Through(trunk);
        return [head.Trace(map), map];
    }

    /// <summary>Lets go of nothing: all parts belong to others.</summary>
    protected override void Dispose(bool disposing) => base.Dispose(false);
}
