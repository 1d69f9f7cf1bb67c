using static TorchSharp.torch;

namespace StreamingCnn.Graph.Stages;

/// <summary>A small tensor at every position of a map of the size of another one, whose values are not read.</summary>
/// <param name="channels">Channels of the small tensor.</param>
internal sealed class FilledLayer(long channels) : OperandLayer
{
    /// <inheritdoc/>
    public override string Name => "Filled";

    /// <inheritdoc/>
    public override long OutputChannels(IReadOnlyList<long> inputs) => channels;

    /// <inheritdoc/>
    public override OperandLayer With(bool[] smallsWanted) => new FilledLayer(channels) { Smalls = Smalls, SmallsWanted = smallsWanted };

    /// <inheritdoc/>
    public override Tensor Apply(IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> smalls)
    {
        var (size, small) = (inputs[0].shape, smalls[0]);
        return small.to(inputs[0].dtype).expand(size[0], channels, size[2], size[3]).clone();
    }
}
