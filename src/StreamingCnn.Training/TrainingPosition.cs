namespace StreamingCnn.Training;

/// <summary>Where a run stands; together with model, optimizer and random state all that it needs to go on.</summary>
internal sealed record TrainingPosition
{
    /// <summary>The epoch in progress, from 1.</summary>
    public int Epoch { get; init; } = 1;

    /// <summary>Images done in it.</summary>
    public int Done { get; init; }

    /// <summary>Sum of their losses.</summary>
    public double Loss { get; init; }

    /// <summary>How many of them were classified rightly.</summary>
    public int Right { get; init; }

    /// <summary>Updates made since the start.</summary>
    public long Updates { get; init; }

    /// <summary>Pixels trained on since the start.</summary>
    public long Pixels { get; init; }

    /// <summary>Fingerprint of names and labels of the training images; null before the first.</summary>
    public string? Images { get; init; }

    /// <summary>Results of the epochs that are done.</summary>
    public IReadOnlyList<EpochResult> History { get; init; } = [];
}
