using StreamingCnn.Geometry;
using StreamingCnn.Planning;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>The gradients of the sources of a run, for those where they are wanted.</summary>
internal sealed class SourceGradients : IDisposable
{
    private readonly SourceGradient?[] gradients;

    // For each source whose gradient is handed out row by row, after which row no tile of each row of tiles, or of one before it, reads it.
    private readonly long[]?[] lastRead;

    /// <param name="plan">The grid.</param>
    /// <param name="sources">The sources, which say what is wanted.</param>
    public SourceGradients(GridPlan plan, SourceSet sources)
    {
        var count = plan.Graph.Sources.Count;
        (gradients, lastRead) = (new SourceGradient?[count], new long[]?[count]);
        for (var source = 0; source < count; source++)
        {
            gradients[source] = sources[source].GradientIsWanted ? new SourceGradient(sources[source]) : null;
            lastRead[source] = sources[source] is { GradientIsWanted: true, GradientRows: not null } ? SourceGradient.LastRowsRead(plan, source) : null;
        }
    }

    /// <summary>Adds the gradient of a region of a source.</summary>
    public void Add(int source, Region region, Tensor gradient) => gradients[source]!.Add(region, gradient);

    /// <summary>Tells how far the backward pass has come: what no row of tiles that is left reads is complete.</summary>
    /// <param name="last">The last row of which a tile is left; -1 where none is.</param>
    public void Finish(int last)
    {
        for (var source = 0; source < gradients.Length; source++)
            gradients[source]?.Finish(last >= 0 && lastRead[source] is { } read ? read[last] : 0);
    }

    /// <summary>The whole gradient of each source, null where it is not wanted or was handed out. They belong to no scope.</summary>
    /// <param name="isReached">Whether a source has a gradient at all: autograd gives none to one that nobody reads.</param>
    public Tensor?[] Take(Func<int, bool> isReached) =>
        [.. gradients.Select((gradient, source) => isReached(source) ? gradient?.Take() : null)];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var gradient in gradients)
            gradient?.Dispose();
    }
}
