using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>A trunk that is published with a classifier behind it.</summary>
internal interface IClassifiedTrunk
{
    /// <summary>Channels of the output.</summary>
    long OutputChannels { get; }

    /// <summary>What stands behind the trunk, from its map to the scores, with fresh weights and the published names.</summary>
    /// <param name="classes">Number of scores.</param>
    IEnumerable<(string Name, Module<Tensor, Tensor> Module)> Head(long classes);
}
