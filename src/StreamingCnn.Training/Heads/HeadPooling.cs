namespace StreamingCnn.Training.Heads;

/// <summary>How a head makes one vector of a feature map.</summary>
public enum HeadPooling
{
    /// <summary>The mean over all positions: evidence that is spread over the image.</summary>
    Average,

    /// <summary>
    /// The maximum over all positions: evidence that is in one place. Of equal ones the first in raster order gets the gradient, as in
    /// adaptive maximum pooling.
    /// </summary>
    Max,

    /// <summary>
    /// A weighted mean whose weights are learned: gated attention (Ilse, Tomczak and Welling, "Attention-based deep multiple instance
    /// learning", 2018), each position being an instance.
    /// </summary>
    Attention,

    /// <summary>
    /// log(mean of exp(r x)) / r (Pinheiro and Collobert, arXiv 1411.6228): between the mean, for small r, and the maximum, for large r.
    /// Its number is r.
    /// </summary>
    LogSumExp,

    /// <summary>
    /// (mean of x^p)^(1/p) of the positive values (Radenović, Tolias and Chum, arXiv 1711.02512): the mean for p = 1, and nearer to the
    /// maximum the larger p is. Its number is p.
    /// </summary>
    GeM,

    /// <summary>The mean of the k largest values of each channel: evidence that is in a few places. Its number is k.</summary>
    TopK,
}
