using StreamingCnn.Geometry;
using StreamingCnn.Graph;

namespace StreamingCnn.Planning;

/// <summary>
/// How sources of given sizes go through a network tile by tile: the tiles' share of each map, and what is carried between them.
/// </summary>
internal sealed class GridPlan
{
    private readonly CarryPlan?[] carries;
    private readonly TileOrder order;
    private readonly Demand? demand;

    private GridPlan(
        NetworkGraph graph,
        MapRoles roles,
        LateMaps late,
        AxisLayout rows,
        AxisLayout columns,
        CarryPlan?[] carries,
        bool beyondBorder,
        TileOrder? order = null,
        HomeRange? stripe = null,
        Demand? demand = null)
    {
        this.demand = demand;
        BeyondBorder = beyondBorder;
        Stripe = stripe ?? new(0, columns.Steps);
        Late = late;
        Graph = graph;
        Roles = roles;
        Rows = rows;
        Columns = columns;
        this.carries = carries;
        this.order = order ?? TileOrder.Raster(rows.Steps, columns.Steps);
    }

    /// <summary>Whether tiles beyond the border complete the maps.</summary>
    public bool BeyondBorder { get; }

    /// <summary>The maps that advance with every few tiles only.</summary>
    public LateMaps Late { get; }

    public NetworkGraph Graph { get; }

    public MapRoles Roles { get; }

    public AxisLayout Rows { get; }

    public AxisLayout Columns { get; }

    /// <summary>The columns of tiles that this process runs.</summary>
    public HomeRange Stripe { get; }

    /// <summary>Plans exactly-once tiling.</summary>
    /// <param name="graph">The network.</param>
    /// <param name="sources">Height and width of each source.</param>
    /// <param name="tile">Size of a tile in positions of the source that sets the pace.</param>
    /// <param name="beyondBorder">Whether tiles beyond the border complete the maps, rather than the last ones over that source.</param>
    /// <param name="late">
    /// From which strides on maps advance with every few tiles only, and with about how many; null for all with every tile.
    /// </param>
    /// <exception cref="UnsupportedLayerException">The network cannot be applied to sources of these sizes.</exception>
    public static GridPlan ExactlyOnce(
        NetworkGraph graph,
        IReadOnlyList<(long Height, long Width)> sources,
        (long Height, long Width) tile,
        bool beyondBorder,
        IReadOnlyList<(int Stride, int Period)>? late = null)
    {
        var (rows, columns) = AxisNetwork.Of(graph, sources);
        return ExactlyOnce(rows, columns, tile, beyondBorder, late);
    }

    /// <summary>Plans exactly-once tiling for sources whose maps are known.</summary>
    public static GridPlan ExactlyOnce(
        AxisNetwork rowNetwork,
        AxisNetwork columnNetwork,
        (long Height, long Width) tile,
        bool beyondBorder,
        IReadOnlyList<(int Stride, int Period)>? late = null)
    {
        var graph = rowNetwork.Graph;
        var roles = new MapRoles(graph);
        var waiting = new LateMaps(rowNetwork, columnNetwork, roles, late ?? [], Math.Min(tile.Height, tile.Width));
        var rows = new ExactlyOnceLayout(rowNetwork, roles, tile.Height, beyondBorder, waiting);
        var columns = new ExactlyOnceLayout(columnNetwork, roles, tile.Width, beyondBorder, waiting);
        var carries = new CarryPlan?[graph.Nodes.Count];
        var readers = Readers(graph, roles);
        foreach (var node in graph.Layers.Where(node => !roles.IsView(node.Index)))
        {
            var carry = new CarryPlan(rows, columns, node.Index, readers[node.Index]);
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
            new LateMaps(rowNetwork, columnNetwork, roles, [], Math.Min(tile.Height, tile.Width)),
            new OverlapLayout(rowNetwork, tile.Height),
            new OverlapLayout(columnNetwork, tile.Width),
            new CarryPlan?[graph.Nodes.Count],
            beyondBorder: false);
    }

    /// <summary>What is carried of a map, or null for nothing.</summary>
    public CarryPlan? Carry(int node) => carries[node];

    /// <summary>Values carried for the backward pass, of all maps and channels, for one image.</summary>
    public long CarriedValues => Graph.Nodes.Sum(node => (Carry(node.Index)?.Positions ?? 0) * node.Channels);

    /// <summary>Whether one of a map's readers comes before a node.</summary>
    public bool IsReadBefore(int map, int node) => Graph.Consumers[map].Length > 0 && Graph.Consumers[map][0] < node;

    /// <summary>Size of a map.</summary>
    public (long Height, long Width) Size(int node) => (Rows.Network.Length(node), Columns.Network.Length(node));

    /// <summary>What a tile computes of a map.</summary>
    public Region Computed(int node, int tileRow, int tileColumn) =>
        demand?.Of(node, tileRow, tileColumn) ?? new(Rows.Computed(node, tileRow), Columns.Computed(node, tileColumn));

    /// <summary>What a tile answers for of an output.</summary>
    public Region Owned(int output, int tileRow, int tileColumn)
    {
        var owned = new Region(Rows.Owned(output, tileRow), Columns.Owned(output, tileColumn));
        return demand is null ? owned : owned.Intersect(demand.Of(output, tileRow, tileColumn));
    }

    /// <summary>Values of the rows of an output that a row of tiles gives at most.</summary>
    public long ValuesOfRows(int output) => Enumerable.Range(0, Rows.Steps).Max(step => Rows.Owned(output, step).Length)
        * Columns.Network.Length(output) * Graph.Nodes[output].Channels;

    /// <summary>What a layer computes of a region of its map, which must not be empty, and what that reads.</summary>
    public Patch Patch(int node, Region region) =>
        new(AxisPatch.Of(Rows.Network.Map(node), region.Rows), AxisPatch.Of(Columns.Network.Map(node), region.Columns));

    /// <summary>The integers of a tile: what it computes, what its layers read, what leaves it.</summary>
    public TileLayout Tile(int row, int column) => new(this, row, column);

    /// <summary>From where positions of a map are counted in a tile: its cut.</summary>
    public Corner Origin(int node, int tileRow, int tileColumn) =>
        new(Rows.Computed(node, tileRow).Start, Columns.Computed(node, tileColumn).Start);

    /// <summary>The tiles in the order in which they run forwards; backwards it is reversed.</summary>
    public TileOrder Order() => order;

    /// <summary>The same with the tiles in another order.</summary>
    public GridPlan In(TileOrder other) => new(Graph, Roles, Late, Rows, Columns, carries, BeyondBorder, other, Stripe, demand);

    /// <summary>The same for a process that runs some columns of tiles alone, row by row.</summary>
    public GridPlan Within(HomeRange stripe) => new(
        Graph,
        Roles,
        Late,
        Rows,
        Columns,
        Array.ConvertAll(carries, carry => carry?.Within(stripe)),
        BeyondBorder,
        TileOrder.Raster(Rows.Steps, stripe),
        stripe);

    /// <summary>The same over another network with the same structure and geometry.</summary>
    public GridPlan Over(NetworkGraph other) => new(other, Roles, Late, Rows, Columns, carries, BeyondBorder, order, Stripe, demand);

    /// <summary>The same where a part of the maps is asked for alone.</summary>
    public GridPlan Asking(Demand part) => new(
        Graph,
        Roles,
        Late,
        Rows,
        Columns,
        Array.ConvertAll(carries, carry => carry?.Asking(part)),
        BeyondBorder,
        order,
        Stripe,
        part);

    /// <summary>For each computed map the computed maps that read it, through views as well.</summary>
    private static List<int>[] Readers(NetworkGraph graph, MapRoles roles)
    {
        var readers = new List<int>[graph.Nodes.Count];
        foreach (var node in graph.Nodes)
        {
            readers[node.Index] = [];
            foreach (var input in roles.IsView(node.Index) ? [] : node.Inputs)
                readers[roles.Root(input)].Add(node.Index);
        }

        return readers;
    }
}
