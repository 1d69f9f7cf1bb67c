namespace StreamingCnn.Training;

/// <summary>Which epoch of a run is the best. Scores that are not defined come after all others.</summary>
internal static class BestEpoch
{
    /// <summary>The epoch with the best validation score; of those with that score, the one with the lowest validation loss; the first of equals.</summary>
    /// <returns>Its number; null without validation images.</returns>
    public static int? Of(IEnumerable<EpochResult> history) =>
        history.Where(epoch => epoch.Validation is not null).OrderByDescending(Quality).ThenBy(epoch => epoch.Validation!.Loss).FirstOrDefault()?.Epoch;

    /// <summary>The first epoch with the best validation score, whatever the losses.</summary>
    /// <returns>Its number; null without validation images.</returns>
    public static int? ByScore(IEnumerable<EpochResult> history) =>
        history.Where(epoch => epoch.Validation is not null).OrderByDescending(Quality).FirstOrDefault()?.Epoch;

    private static double Quality(EpochResult epoch) => double.IsNaN(epoch.Validation!.Score) ? double.NegativeInfinity : epoch.Validation.Score;
}
