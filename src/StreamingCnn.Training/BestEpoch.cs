namespace StreamingCnn.Training;

/// <summary>
/// Which epoch of a run is the best, by the score or what else is monitored. Scores that are not defined come after all others.
/// </summary>
internal static class BestEpoch
{
    /// <summary>
    /// The epoch with the best validation score; of those with that score, the one with the lowest validation loss; the first of equals.
    /// </summary>
    /// <returns>Its number; null without validation images.</returns>
    public static int? Of(IEnumerable<EpochResult> history) =>
        history.Where(epoch => epoch.Validation is not null)
            .OrderByDescending(Quality)
            .ThenBy(epoch => epoch.Validation!.Loss)
            .FirstOrDefault()?.Epoch;

    /// <summary>The first epoch with the best validation score, whatever the losses.</summary>
    /// <returns>Its number; null without validation images.</returns>
    public static int? ByScore(IEnumerable<EpochResult> history) =>
        history.Where(epoch => epoch.Validation is not null).OrderByDescending(Quality).FirstOrDefault()?.Epoch;

    private static double Quality(EpochResult epoch) =>
        (epoch.Validation!.Quality ?? epoch.Validation.Score) is var quality && double.IsNaN(quality) ? double.NegativeInfinity : quality;
}
