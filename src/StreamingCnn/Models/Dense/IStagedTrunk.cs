namespace StreamingCnn.Models;

/// <summary>
/// A trunk whose maps of several sizes can be used, from a fourth of the image's height and width on, each half of the one before.
/// </summary>
internal interface IStagedTrunk
{
    /// <summary>Channels of each of the maps.</summary>
    IReadOnlyList<long> StageChannels { get; }

    /// <summary>The maps, the largest first; the last one is the trunk's output.</summary>
    /// <param name="input">The image.</param>
    IReadOnlyList<FeatureMap> Stages(FeatureMap input);
}
