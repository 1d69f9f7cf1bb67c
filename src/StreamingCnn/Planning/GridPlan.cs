using StreamingCnn.Geometry;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>How an image of a given size goes through a network tile by tile: the tiles' share of each map, and what is carried between them.</summary>
internal sealed class GridPlan
{
    private readonly CarryPlan?[] carries;

    private GridPlan(NetworkGraph graph, MapRoles roles, AxisLayout rows, AxisLayout columns, CarryPlan?[] carries)
    {
        Graph = graph;
        Roles = roles;
        Rows = rows;
        Columns = columns;
        this.carries = carries;
    }

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
    /// <exception cref="UnsupportedLayerException">The network cannot be applied to an image of this size.</exception>
    public static GridPlan ExactlyOnce(NetworkGraph graph, long height, long width, (long Height, long Width) tile, bool beyondBorder)
    {
        var roles = new MapRoles(graph);
        var rows = new ExactlyOnceLayout(new AxisNetwork(graph, Axis.Rows, height), roles, tile.Height, beyondBorder);
        var columns = new ExactlyOnceLayout(new AxisNetwork(graph, Axis.Columns, width), roles, tile.Width, beyondBorder);
        var carries = new CarryPlan?[graph.Nodes.Count];
        foreach (var node in graph.Nodes.Where(node => !node.IsImage && !roles.IsView(node.Index)))
        {
            var carry = new CarryPlan(rows, columns, node.Index);
            if (carry.Positions > 0)
                carries[node.Index] = carry;
        }

        return new GridPlan(graph, roles, rows, columns, carries);
    }

    /// <summary>Plans overlapping tiles, which carry nothing.</summary>
    /// <exception cref="UnsupportedLayerException">The network cannot be applied to an image of this size.</exception>
    public static GridPlan Overlap(NetworkGraph graph, long height, long width, (long Height, long Width) tile)
    {
        var rows = new OverlapLayout(new AxisNetwork(graph, Axis.Rows, height), tile.Height);
        var columns = new OverlapLayout(new AxisNetwork(graph, Axis.Columns, width), tile.Width);
        return new GridPlan(graph, new MapRoles(graph), rows, columns, new CarryPlan?[graph.Nodes.Count]);
    }

    /// <summary>What is carried of a map, or null for nothing.</summary>
    public CarryPlan? Carry(int node) => carries[node];

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
