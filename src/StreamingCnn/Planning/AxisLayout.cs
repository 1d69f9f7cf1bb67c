using StreamingCnn.Geometry;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>How the tiles share the work along one axis: the interval of each map that the tile at each step computes.</summary>
internal abstract class AxisLayout(AxisNetwork network)
{
    public AxisNetwork Network { get; } = network;

    /// <summary>Number of tiles along the axis.</summary>
    public abstract int Steps { get; }

    /// <summary>The positions of a map that the tile computes.</summary>
    public abstract Interval Computed(int node, int step);

    /// <summary>The positions of an output that the tile answers for; over all tiles they partition the output.</summary>
    public abstract Interval Owned(int output, int step);

    /// <summary>What the tile computes of a map and what that reads; only for intervals that are not empty.</summary>
    public AxisPatch Patch(int node, int step) => AxisPatch.Of(Network.Map(node), Computed(node, step));
}
