namespace StreamingCnn.Training;

/// <summary>The course of a learning-rate range test: which images at which rate, and when it ends.</summary>
/// <param name="options">Batch size, seed and so on, as for training.</param>
/// <param name="training">The images.</param>
/// <param name="update">Makes an update from a batch of them, whose first one's use has a number, at a rate; gives loss and pixels.</param>
internal sealed class RateTest(
    TrainingOptions options,
    IReadOnlyList<TrainingSample> training,
    Func<int[], IReadOnlyList<TrainingSample>, long, double, (double Loss, long Pixels)> update)
{
    /// <summary>Runs it.</summary>
    /// <param name="updates">Updates at most.</param>
    /// <param name="progress">Told after every update; null for nobody.</param>
    /// <param name="isCancelled">Asked before every update.</param>
    public LearningRateSearch Run(int updates, IProgress<TrainingProgress>? progress, Func<bool> isCancelled)
    {
        var search = new LearningRateSearch([]);
        using var batches = Batches().GetEnumerator();
        var (use, all) = (1L, 0L);
        for (var i = 0; i < updates && !search.HasDiverged && !isCancelled(); i++)
        {
            batches.MoveNext();
            var (rate, loss, pixels) = (LearningRateSearch.Rate(i, updates), double.PositiveInfinity, 0L);
            try
            {
                (loss, pixels) = update(batches.Current, training, use, rate);
            }
            catch (TrainingException failure) when (failure.IsDivergence)
            {
                // That is what the test goes on until.
            }

            search = new([.. search.Trials, new(rate, loss)]);
            (use, all) = (use + batches.Current.Length, all + pixels);
            progress?.Report(new(0, i + 1, updates, loss, all));
        }

        return search;
    }

    /// <summary>One epoch's batches after the other's, without end.</summary>
    private IEnumerable<int[]> Batches()
    {
        for (var epoch = 1; ; epoch++)
        {
            foreach (var batch in ImageOrder.Of(options, epoch, training).Chunk(options.BatchSize))
                yield return batch;
        }
    }
}
