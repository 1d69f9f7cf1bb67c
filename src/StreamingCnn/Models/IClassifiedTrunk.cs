using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>A trunk that says how many channels it puts out.</summary>
internal interface IKnownTrunk
{
    /// <summary>Channels of the output.</summary>
    long OutputChannels { get; }
}

/// <summary>A trunk that is published with a classifier behind it.</summary>
internal interface IClassifiedTrunk : IKnownTrunk
{
    /// <summary>What stands behind the trunk, from its map to the scores, with fresh weights and the published names.</summary>
    /// <param name="classes">Number of scores.</param>
    IEnumerable<(string Name, Module<Tensor, Tensor> Module)> Head(long classes);
}
