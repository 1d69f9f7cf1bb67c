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

    // Of each row of tiles how many of this process are still to come, and the last row of which any is.
    private readonly int[] left;
    private int lastRow;

    /// <param name="plan">The grid.</param>
    /// <param name="sources">The sources, which say what is wanted.</param>
    public SourceGradients(GridPlan plan, SourceSet sources)
    {
        left = [.. Enumerable.Repeat(plan.Stripe.End - plan.Stripe.Start, plan.Rows.Steps)];
        lastRow = left.Length - 1;
        var count = plan.Graph.Sources.Count;
        (gradients, lastRead) = (new SourceGradient?[count], new long[]?[count]);
        for (var source = 0; source < count; source++)
        {
            gradients[source] = sources[source].GradientIsWanted ? new SourceGradient(sources[source]) : null;
            lastRead[source] = sources[source] is { GradientIsWanted: true, GradientRows: not null }
                ? SourceGradient.LastRowsRead(plan, source)
                : null;
        }
    }

    /// <summary>Adds the gradient of a region of a source.</summary>
    public void Add(int source, Region region, Tensor gradient) => gradients[source]!.Add(region, gradient);

    /// <summary>Tells that a tile has run backwards: what no row of tiles reads of which any is still to come is complete.</summary>
    public void End((int Row, int Column) tile)
    {
        left[tile.Row]--;
        var before = lastRow;
        while (lastRow >= 0 && left[lastRow] == 0)
            lastRow--;
        for (var source = 0; source < gradients.Length && lastRow != before; source++)
            gradients[source]?.Finish(lastRow >= 0 && lastRead[source] is { } read ? read[lastRow] : 0);
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
