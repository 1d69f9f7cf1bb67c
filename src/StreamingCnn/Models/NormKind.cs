namespace StreamingCnn.Models;

/// <summary>How a network normalises, where it leaves the choice.</summary>
public enum NormKind
{
    /// <summary>
    /// Batch normalisation with its running statistics, in training too (see <see cref="StreamingOptions.FrozenBatchNorm"/>): a factor
    /// and a summand for each channel. For weights that were trained with batches, on images that come one by one.
    /// </summary>
    Frozen,

    /// <summary>
    /// Batch normalisation that takes the statistics of what is in the call while it trains: of one image, where images come one by one.
    /// </summary>
    Batch,

    /// <summary>
    /// Group normalisation (Wu and He, arXiv 1803.08494): the statistics of some channels of each image, in training and afterwards.
    /// </summary>
    Group,

    /// <summary>
    /// Instance normalisation (Ulyanov et al., arXiv 1607.08022): the statistics of each channel of each image, in training and afterwards.
    /// </summary>
    Instance,
}
