using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>The sources of a run, by the indices of their nodes, with what all of them have in common.</summary>
/// <param name="sources">The sources; they belong to the set. All have the same batch, type and device.</param>
internal sealed class SourceSet(params IReadOnlyList<MapSource> sources) : IDisposable
{
    public MapSource this[int node] => sources[node];

    /// <summary>The source of a run with no more than one.</summary>
    public MapSource Only => sources.Single();

    /// <summary>Images in the batch.</summary>
    public long Batch => sources[0].Batch;

    /// <summary>Type of the computation.</summary>
    public ScalarType Type => sources[0].Type;

    /// <summary>Device of the computation.</summary>
    public Device Device => sources[0].Device;

    /// <summary>Channels of each source.</summary>
    public IReadOnlyList<long> Channels { get; } = [.. sources.Select(source => source.Channels)];

    /// <summary>Size of each source.</summary>
    public IReadOnlyList<(long Height, long Width)> Sizes { get; } = [.. sources.Select(source => (source.Height, source.Width))];

    /// <summary>For each source whether its gradient is wanted.</summary>
    public IReadOnlyList<bool> Wanted { get; } = [.. sources.Select(source => source.GradientIsWanted)];

    /// <summary>Refuses to go on when a source has been changed since the run began.</summary>
    public void CheckUnchanged()
    {
        foreach (var source in sources)
            source.CheckUnchanged();
    }

    public void Dispose()
    {
        foreach (var source in sources)
            source.Dispose();
    }
}
