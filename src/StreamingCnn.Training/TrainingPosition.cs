namespace StreamingCnn.Training;

/// <summary>Where a run stands; together with model, optimizer and random state all that it needs to go on.</summary>
internal sealed class TrainingPosition
{
    /// <summary>The epoch in progress, from 1.</summary>
    public int Epoch { get; set; } = 1;

    /// <summary>What came out of the images that are done in it, in the order in which they came.</summary>
    public List<SeenImage> Seen { get; init; } = [];

    /// <summary>Updates made since the start.</summary>
    public long Updates { get; set; }

    /// <summary>Pixels trained on since the start.</summary>
    public long Pixels { get; set; }

    /// <summary>Fingerprint of names and labels of the training images in checkpoints that have no <see cref="DataRecord"/>.</summary>
    public string? Images { get; init; }

    /// <summary>Results of the epochs that are done.</summary>
    public List<EpochResult> History { get; init; } = [];
}

/// <summary>What came out of one step.</summary>
/// <param name="Index">Which of the training images.</param>
/// <param name="Values">The prediction.</param>
/// <param name="Loss">The loss.</param>
internal sealed record SeenImage(int Index, IReadOnlyList<double> Values, double Loss);
