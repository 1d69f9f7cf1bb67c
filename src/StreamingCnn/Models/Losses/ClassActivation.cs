namespace StreamingCnn.Models;

/// <summary>What makes probabilities of logits.</summary>
public enum ClassActivation
{
    /// <summary>Each position has one class: a softmax over channels, and a target of one channel with class indices.</summary>
    Softmax,

    /// <summary>
    /// Each position may have any of them: a logistic function of each channel, and a target of as many channels with 0 or 1.
    /// </summary>
    Sigmoid,
}
