namespace StreamingCnn.Experiments.Ladder;

/// <summary>One data set, and how the same network is trained on it at every resolution.</summary>
/// <param name="Name">What it is called; also the name of its folder.</param>
/// <param name="Labels">Its labels.csv.</param>
/// <param name="Tile">Side of the tiles in pixels.</param>
/// <param name="Epochs">Passes over its training images.</param>
internal sealed record LadderTask(string Name, string Labels, int Tile, int Epochs)
{
    /// <summary>Images for each update.</summary>
    public const int Batch = 4;

    /// <summary>Trunk from the catalogue.</summary>
    public const string Model = "small";

    /// <summary>Passes that come to at least so many updates.</summary>
    public static int EpochsFor(int updates, int images) => (updates + UpdatesPerEpoch(images) - 1) / UpdatesPerEpoch(images);

    /// <summary>Updates of one pass.</summary>
    public static int UpdatesPerEpoch(int images) => (images + Batch - 1) / Batch;
}
