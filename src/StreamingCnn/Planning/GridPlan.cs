using StreamingCnn.Geometry;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>How an image of a given size goes through a network tile by tile: the tiles' share of each map, and what is carried between them.</summary>
internal sealed class GridPlan
{
    private readonly CarryPlan?[] carries;

    private GridPlan(NetworkGraph graph, MapRoles roles, LateMaps late, AxisLayout rows, AxisLayout columns, CarryPlan?[] carries, bool beyondBorder)
    {
        BeyondBorder = beyondBorder;
        Late = late;
        Graph = graph;
        Roles = roles;
        Rows = rows;
        Columns = columns;
        this.carries = carries;
    }

    /// <summary>Whether tiles beyond the border complete the maps.</summary>
    public bool BeyondBorder { get; }

    /// <summary>The maps that advance with every few tiles only.</summary>
    public LateMaps Late { get; }

    public NetworkGraph Graph { get; }

    public MapRoles Roles { get; }

    public AxisLayout Rows { get; }

    public AxisLayout Columns { get; }

    /// <summary>Plans exactly-once tiling.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="height">Height of the image.</param>
    /// <param name="width">Width of the image.</param>
    /// <param name="tile">Size of a tile in image pixels.</param>
    /// <param name="beyondBorder">Whether tiles beyond the border complete the maps, rather than the last ones over the image.</param>
    /// <param name="late">From which strides on maps advance with every few tiles only, and with about how many; null for all with every tile.</param>
    /// <exception cref="UnsupportedLayerException">The network cannot be applied to an image of this size.</exception>
    public static GridPlan ExactlyOnce(
        NetworkGraph graph, long height, long width, (long Height, long Width) tile, bool beyondBorder, IReadOnlyList<(int Stride, int Period)>? late = null) =>
        ExactlyOnce(new AxisNetwork(graph, Axis.Rows, height), new AxisNetwork(graph, Axis.Columns, width), tile, beyondBorder, late);

    /// <summary>Plans exactly-once tiling for an image whose maps are known.</summary>
    public static GridPlan ExactlyOnce(
        AxisNetwork rowNetwork, AxisNetwork columnNetwork, (long Height, long Width) tile, bool beyondBorder, IReadOnlyList<(int Stride, int Period)>? late = null)
    {
        var graph = rowNetwork.Graph;
        var roles = new MapRoles(graph);
        var waiting = new LateMaps(rowNetwork, columnNetwork, roles, late ?? []);
        var rows = new ExactlyOnceLayout(rowNetwork, roles, tile.Height, beyondBorder, waiting);
        var columns = new ExactlyOnceLayout(columnNetwork, roles, tile.Width, beyondBorder, waiting);
        var carries = new CarryPlan?[graph.Nodes.Count];
        foreach (var node in graph.Nodes.Where(node => !node.IsImage && !roles.IsView(node.Index)))
        {
            var carry = new CarryPlan(rows, columns, node.Index);
            if (carry.Positions > 0)
                carries[node.Index] = carry;
        }

        return new GridPlan(graph, roles, waiting, rows, columns, carries, beyondBorder);
    }

    /// <summary>Plans overlapping tiles, which carry nothing.</summary>
    public static GridPlan Overlap(AxisNetwork rowNetwork, AxisNetwork columnNetwork, (long Height, long Width) tile)
    {
        var graph = rowNetwork.Graph;
        var roles = new MapRoles(graph);
        return new GridPlan(
            graph,
            roles,
            new LateMaps(rowNetwork, columnNetwork, roles, []),
            new OverlapLayout(rowNetwork, tile.Height),
            new OverlapLayout(columnNetwork, tile.Width),
            new CarryPlan?[graph.Nodes.Count],
            beyondBorder: false);
    }

    /// <summary>What is carried of a map, or null for nothing.</summary>
    public CarryPlan? Carry(int node) => carries[node];

    /// <summary>Values carried for the backward pass, of all maps and channels, for one image.</summary>
    public long CarriedValues => Graph.Nodes.Sum(node => (Carry(node.Index)?.Positions ?? 0) * node.Channels);

    /// <summary>Those of them that a row of tiles stores.</summary>
    public long CarriedValuesOf(int tileRow) => Graph.Nodes.Sum(node => (Carry(node.Index)?.StoredPositions(tileRow) ?? 0) * node.Channels);

    /// <summary>Those that must be at hand while a row of tiles runs: its own, and rows above that it reads.</summary>
    public long HeldValues(int tileRow)
    {
        long values = 0;
        foreach (var node in Graph.Nodes)
        {
            if (Carry(node.Index) is not { } carry)
                continue;
            var positions = carry.StoredPositions(tileRow);
            var needed = FirstRowNeeded(node.Index, tileRow);
            for (var above = tileRow - 1; above >= 0 && carry.LastStoredRow(above) > needed; above--)
                positions += carry.StoredPositions(above, BandKind.Rows);
            values += positions * node.Channels;
        }

        return values;
    }

    /// <summary>Size of a map.</summary>
    public (long Height, long Width) Size(int node) => (Rows.Network.Length(node), Columns.Network.Length(node));

    /// <summary>The first row of a map that rows of tiles from <paramref name="tileRow"/> on still read.</summary>
    public long FirstRowNeeded(int node, int tileRow) => ((ExactlyOnceLayout)Rows).Low(node, tileRow);

    /// <summary>What a tile computes of a map.</summary>
    public Region Computed(int node, int tileRow, int tileColumn) => new(Rows.Computed(node, tileRow), Columns.Computed(node, tileColumn));

    /// <summary>What a tile answers for of an output.</summary>
    public Region Owned(int output, int tileRow, int tileColumn) => new(Rows.Owned(output, tileRow), Columns.Owned(output, tileColumn));

    /// <summary>All that one tile does.</summary>
    public TileLayout Tile(int row, int column) => new(this, row, column);

    /// <summary>The tiles in the order in which they run forwards; backwards it is reversed.</summary>
    public IEnumerable<(int Row, int Column)> Order()
    {
        for (var row = 0; row < Rows.Steps; row++)
        {
            for (var column = 0; column < Columns.Steps; column++)
                yield return (row, column);
        }
    }
}
