namespace StreamingCnn.Models;

/// <summary>Scores as attention takes them.</summary>
internal static class AttentionScores
{
    /// <summary>One field of scores: several channels are averaged.</summary>
    /// <param name="scores">[N, 1, H, W] or [N, C, H, W].</param>
    /// <param name="detached">Whether they get no gradient.</param>
    public static FeatureMap One(FeatureMap scores, bool detached)
    {
        ArgumentNullException.ThrowIfNull(scores);
        var one = scores.Count == 1
            ? scores
            : scores.AtEachPosition("Mean", (maps, _) => maps[0].mean([1], keepdim: true), joinsChannels: true);
        return detached ? Detached(one) : one;
    }

    /// <summary>The same map without a gradient.</summary>
    public static FeatureMap Detached(FeatureMap scores) => scores.AtEachPosition("Detached", (maps, _) => maps[0].detach().clone());
}
