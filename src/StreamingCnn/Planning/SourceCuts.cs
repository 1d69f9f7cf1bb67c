using StreamingCnn.Geometry;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>
/// Where sources are cut along one axis. One of them sets the pace; the others are cut where the maps that they are joined with are by
/// then, so that neither waits for the other.
/// </summary>
/// <remarks>
/// Any monotone cuts are exact, but what runs ahead of what it is joined with is carried for as long: a mask beside an image, cut at the
/// same share of its length, would be carried a tile wide. Like the pace's, these cuts are virtual: they go on beyond the source's end.
/// </remarks>
internal sealed class SourceCuts
{
    private readonly AxisNetwork network;

    // Of each node whether the pace reaches it.
    private readonly bool[] isPaced;

    // Of each node that the pace does not reach, whether it is joined with one that it does.
    private readonly bool[] isJoined;

    public SourceCuts(AxisNetwork network)
    {
        this.network = network;
        var graph = network.Graph;
        isPaced = new bool[graph.Nodes.Count];
        isJoined = new bool[graph.Nodes.Count];
        isPaced[network.Pace] = true;
        foreach (var node in graph.Layers)
            isPaced[node.Index] = node.Inputs.Any(input => isPaced[input]);
        for (var i = isJoined.Length - 1; i >= 0; i--)
            isJoined[i] = !isPaced[i] && graph.Consumers[i].Any(reader => isPaced[reader] || isJoined[reader]);
    }

    /// <summary>The cut of every source for a cut of the one that sets the pace.</summary>
    public long[] At(long pace)
    {
        var graph = network.Graph;
        var sources = graph.Sources.Count;
        if (sources == 1)
            return [pace];

        // Forwards as if the other sources had come already; then backwards, what must have come of them.
        var cuts = new long[graph.Nodes.Count];
        Array.Fill(cuts, long.MinValue);
        cuts[network.Pace] = pace;
        foreach (var node in graph.Layers.Where(node => isPaced[node.Index]))
            cuts[node.Index] = network.Map(node.Index).VirtualCut(node.Inputs.Where(input => isPaced[input]).Min(input => cuts[input]));
        for (var i = cuts.Length - 1; i >= sources; i--)
        {
            if (!isPaced[i] && !isJoined[i])
                continue;
            foreach (var input in graph.Nodes[i].Inputs.Where(input => isJoined[input]))
                cuts[input] = Math.Max(cuts[input], network.Map(i).Required(cuts[i]));
        }

        // What never meets the pace ends with it.
        foreach (var source in graph.Sources.Where(source => !isPaced[source.Index] && !isJoined[source.Index]))
            cuts[source.Index] = Division.Ceiling(pace * network.Length(source.Index), network.PaceLength);
        return cuts[..sources];
    }

    /// <summary>The smallest cut of the source that sets the pace at which every source has come as far as wanted.</summary>
    public long PaceFor(ReadOnlySpan<long> wanted)
    {
        var reached = wanted[network.Pace];
        if (wanted.Length == 1)
            return reached;
        long step = 1;
        while (!Suffices(reached + step, wanted))
            step *= 2;
        for (var low = reached - 1; low + 1 < reached + step;)
        {
            var middle = low + ((reached + step - low) / 2);
            if (Suffices(middle, wanted))
                step = middle - reached;
            else
                low = middle;
        }

        return reached + step;
    }

    private bool Suffices(long pace, ReadOnlySpan<long> wanted)
    {
        var cuts = At(pace);
        for (var source = 0; source < cuts.Length; source++)
        {
            if (wanted[source] > 0 && cuts[source] < wanted[source])
                return false;
        }

        return true;
    }
}
