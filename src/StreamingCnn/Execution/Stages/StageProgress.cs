using StreamingCnn.Planning;
using StreamingCnn.Planning.Stages;

namespace StreamingCnn.Execution.Stages;

/// <summary>Counts the tiles of all stages together.</summary>
/// <param name="progress">Told of every tile; null for nobody.</param>
/// <param name="pass">The pass.</param>
/// <param name="steps">The stages that run in it.</param>
internal sealed class StageProgress(IProgress<TileProgress>? progress, TilePass pass, IEnumerable<StageStep> steps)
{
    private int all = steps.Sum(step => step.Step?.Grid.Order().Count ?? 0);
    private int before;

    /// <summary>What a stage's run tells, which may leave tiles out.</summary>
    public IProgress<TileProgress>? Of(StepPlan step)
    {
        if (progress is null)
            return null;
        var (first, planned) = (before, step.Grid.Order().Count);
        before += planned;
        return new Counted(told =>
        {
            var leftOut = planned - told.Total;
            (all, before, planned) = (all - leftOut, before - leftOut, told.Total);
            progress.Report(new(pass, first + told.Done, all));
        });
    }

    // Not Progress<T>, which tells another thread.
    private sealed class Counted(Action<TileProgress> tell) : IProgress<TileProgress>
    {
        public void Report(TileProgress value) => tell(value);
    }
}
