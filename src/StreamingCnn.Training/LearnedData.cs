using StreamingCnn.Distributed;

namespace StreamingCnn.Training;

/// <summary>The images of a run as it looked at them, so that it goes on with the same and nothing else.</summary>
/// <param name="ranks">Processes that share them.</param>
internal sealed class LearnedData(ICommunicator ranks)
{
    // What a run that goes on has learned from before: images, or a fingerprint of their names in older checkpoints.
    private (DataRecord? Images, string? Names) before;

    // The lists that were looked at last.
    private (IReadOnlyList<TrainingSample> Training, IReadOnlyList<TrainingSample> Validation)? seen;

    /// <summary>What was found when the images were looked at last; null before.</summary>
    public DataRecord? Record { get; private set; }

    /// <summary>Says what the run has learned from before.</summary>
    public void WasBefore(DataRecord? images, string? names) => before = (images, names);

    /// <summary>Looks at the images, and refuses others than those that the run has learned from before.</summary>
    /// <exception cref="TrainingException">They are others, or one cannot be read.</exception>
    public void LookAt(IReadOnlyList<TrainingSample> training, IReadOnlyList<TrainingSample> validation)
    {
        if (seen == (training, validation))
            return;
        var now = RankedData.Of(ranks, training, validation);
        if (before.Images is { } images && now.DifferenceFrom(images) is { } difference)
        {
            throw new TrainingException(
                $"The images are not those that the run has learned from: {difference}; bring them back, or start a new run.");
        }

        if (before is { Images: null, Names: { } names } && names != TrainingCheckpoint.Fingerprint(training))
        {
            throw new TrainingException(
                "The images or their labels are not those that the interrupted run was trained on; resume with the same data.");
        }

        (Record, seen, before) = (now, (training, validation), (now, null));
    }
}
