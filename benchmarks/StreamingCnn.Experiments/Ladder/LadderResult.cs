namespace StreamingCnn.Experiments.Ladder;

/// <summary>What came out of a task.</summary>
/// <param name="Task">The task.</param>
/// <param name="Height">Height of its images at full resolution.</param>
/// <param name="Width">Their width.</param>
/// <param name="TrainingImages">Number of images it was trained on.</param>
/// <param name="TestImages">Number of images it was tested on.</param>
/// <param name="Rungs">Its rungs, the lowest resolution first.</param>
/// <param name="Comparison">How good they are.</param>
/// <param name="Memory">What a step at full resolution takes.</param>
internal sealed record LadderResult(
    LadderTask Task,
    long Height,
    long Width,
    int TrainingImages,
    int TestImages,
    IReadOnlyList<Rung> Rungs,
    LadderComparison Comparison,
    StepMemory Memory)
{
    /// <summary>Updates of each run.</summary>
    public int Updates => Task.Epochs * LadderTask.UpdatesPerEpoch(TrainingImages);

    /// <summary>Megapixels of an image on a rung.</summary>
    public double Megapixels(Rung rung) => (double)(Height / rung.Downsample) * (Width / rung.Downsample) / 1e6;
}
