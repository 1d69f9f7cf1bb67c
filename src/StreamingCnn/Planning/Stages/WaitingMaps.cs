using StreamingCnn.Graph;

namespace StreamingCnn.Planning.Stages;

/// <summary>
/// Which maps wait between stages, where memory or a disk is too slow for all: the wide map of a block may be computed again from the
/// narrow one that it was made of, which waits in its place.
/// </summary>
/// <param name="stages">The stages with all maps that cross between them.</param>
/// <param name="rates">How fast layers are.</param>
internal sealed class WaitingMaps(SizedStages stages, ComputeRates rates)
{
    // A stage more has its tiles, its carry and its gaps: what is saved must be worth it.
    private const double WorthWhile = 0.6;

    // Shares of the maps that could be spared: those first that save most for their work. More have never been worth it.
    private static readonly double[] Shares = [0.2, 0.5];

    /// <summary>Choices of maps that may wait, beside all that cross; each takes less memory and more work than the one before.</summary>
    public IEnumerable<IReadOnlySet<int>> Fewer()
    {
        var swaps = stages.Boundaries.Select(Swap).OfType<(int Map, int? Instead, double Price)>().OrderBy(swap => swap.Price).ToArray();
        foreach (var count in Shares.Select(share => (int)Math.Ceiling(share * swaps.Length)).Where(count => count > 0).Distinct())
        {
            var waiting = stages.Boundaries.ToHashSet();
            foreach (var (map, instead, _) in swaps.Take(count))
            {
                waiting.Remove(map);
                if (instead is { } other)
                    waiting.Add(other);
            }

            yield return waiting;
        }
    }

    /// <summary>
    /// What could wait instead of a map, upwards from it as far as the stage goes: where that costs least for each byte; nothing in its
    /// place where another map that waits is met.
    /// </summary>
    private (int Map, int? Instead, double Price)? Swap(int map)
    {
        var network = stages.Network;
        var sizes = Sizes(network.StageOf(map));
        (int, int?, double)? best = null;
        double seconds = 0;
        for (var at = network.Network.Maps[map]; at.Inputs is [var below] && sizes.ContainsKey(at.Index);)
        {
            seconds += (at.Layer!.WorkPerPosition / rates.Work[at.Layer.WorkKind].Forward + Copied(at)) * sizes[at.Index];
            at = network.Network.Maps[below];
            var isThere = at.IsSource || network.IsBoundary(below);
            if (!isThere && !sizes.ContainsKey(below))
                return best;
            var values = isThere ? 0 : sizes[below] * at.Channels;
            var saved = stages.Values(map) - values;
            if (values <= WorthWhile * stages.Values(map) && (best is not { } known || seconds / saved < known.Item3))
                best = (map, isThere ? null : below, seconds / saved);
            if (isThere)
                return best;
        }

        return best;

        double Copied(GraphNode node) => 2 * sizeof(float) * node.Channels / rates.Bandwidth;
    }

    /// <summary>Positions of the maps that a stage makes.</summary>
    private Dictionary<int, double> Sizes(int stage)
    {
        var (written, sized) = (stages.Network.Stages[stage], stages.Stages[stage]);
        var (rows, columns) = AxisNetwork.Of(written.Graph!, stages.SourcesOf(sized));
        return written.Graph!.Layers.Where(node => node.Channels > 0 && stages.Network.StageOf(node.Key) == stage)
            .ToDictionary(node => node.Key, node => (double)rows.Length(node.Index) * columns.Length(node.Index));
    }
}
