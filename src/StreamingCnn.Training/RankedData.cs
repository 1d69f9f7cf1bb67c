using StreamingCnn.Distributed;

namespace StreamingCnn.Training;

/// <summary>What several ranks learn from: the first one looks into the files, the others must have the same list.</summary>
internal static class RankedData
{
    /// <exception cref="TrainingException">A file cannot be read, or a rank has another list.</exception>
    public static DataRecord Of(ICommunicator ranks, IReadOnlyList<TrainingSample> training, IReadOnlyList<TrainingSample> validation)
    {
        if (ranks.Size == 1)
            return DataRecord.Of(training, validation);
        var bytes = ranks.Rank == 0 ? DataRecord.Of(training, validation).ToBytes() : [];
        Span<double> length = [bytes.Length];
        ranks.Sum(length);
        if (ranks.Rank > 0)
            bytes = new byte[(int)length[0]];
        ranks.Broadcast(bytes.AsSpan(), 0);
        var record = DataRecord.FromBytes(bytes);
        if (IsOf(record.Training, training) && IsOf(record.Validation, validation))
            return record;
        throw new TrainingException(
            $"Rank {ranks.Rank} has other images or labels than rank 0; let all processes read the same files, in a folder that all machines share.");
    }

    private static bool IsOf(IReadOnlyList<SampleRecord> records, IReadOnlyList<TrainingSample> samples) =>
        records.Count == samples.Count
        && records.Zip(samples).All(pair => pair.First.Name == pair.Second.Name && pair.First.Label == SampleRecord.LabelOf(pair.Second));
}
