using StreamingCnn.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Heads;

/// <summary>
/// A network that gives the scores of an image's pixels, with what judges them in the same sweep: from an image and its map of classes to
/// losses and counts, without the scores ever being held whole. All parts stay the caller's.
/// </summary>
internal sealed class JudgedMap : MultiInputBlock
{
    private readonly Module<Tensor, Tensor> network;
    private readonly MapLoss[] losses;
    private readonly int classes;

    /// <summary>Joins a network and losses.</summary>
    /// <param name="network">The network.</param>
    /// <param name="classes">Classes that it scores.</param>
    /// <param name="losses">The losses.</param>
    public JudgedMap(Module<Tensor, Tensor> network, int classes, params MapLoss[] losses)
        : base(nameof(JudgedMap), inputs: 2)
    {
        (this.network, this.classes, this.losses) = (network, classes, losses);
        foreach (var (name, child) in network.named_children())
            register_module(name, child);
    }

    /// <summary>Gives the losses, and the two numbers of <see cref="ConfusionReduction"/>.</summary>
    public override IReadOnlyList<NetworkValue> Trace(IReadOnlyList<FeatureMap> inputs)
    {
        var scores = inputs[0].Through(network);
        return [.. losses.Select(loss => loss.Of(scores, inputs[1])), .. scores.Reduce(new ConfusionReduction(classes), inputs[1])];
    }

    /// <summary>Lets go of nothing: all parts belong to others.</summary>
    protected override void Dispose(bool disposing) => base.Dispose(false);
}
