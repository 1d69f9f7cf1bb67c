using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;

namespace StreamingCnn.Planning;

/// <summary>
/// The integers that a tile's programs are written from: what it computes of each map, what its layers read, what leaves it.
/// </summary>
internal sealed class TileLayout
{
    private readonly Patch?[] patches;
    private readonly Region[] windows;
    private readonly LayerMemory?[] memories;
    private readonly Region[] laidOut;
    private readonly int[] uses;
    private readonly bool[] isRead;
    private readonly bool[] isUseful;
    private readonly bool[] stores;

    public TileLayout(GridPlan grid, int row, int column)
    {
        (Grid, Row, Column) = (grid, row, column);
        var nodes = grid.Graph.Nodes;
        patches = new Patch?[nodes.Count];
        windows = new Region[nodes.Count];
        uses = new int[nodes.Count];
        memories = new LayerMemory?[nodes.Count];
        (isRead, isUseful, stores) = (new bool[nodes.Count], new bool[nodes.Count], new bool[nodes.Count]);
        for (var i = nodes.Count - 1; i >= 0; i--)
            Trace(nodes[i]);
        foreach (var node in nodes)
            windows[node.Index] = windows[Roles.Root(node.Index)];
        laidOut = [.. windows];
        foreach (var node in grid.Graph.Layers)
        {
            if (isUseful[node.Index] && patches[node.Index] is { Input.IsEmpty: false } patch
                && node.Layer!.ZeroPadded(patch) is { } padded && Below(node.Inputs[0]) is { } root)
                laidOut[root] = laidOut[root].Hull(padded);
        }
    }

    public GridPlan Grid { get; }

    public int Row { get; }

    public int Column { get; }

    /// <summary>Which maps are views of others' windows.</summary>
    public MapRoles Roles => Grid.Roles;

    /// <summary>What the tile computes of a map, or null for nothing. Views have none.</summary>
    public Patch? Patch(int node) => patches[node];

    /// <summary>The rectangle of a map that the tile computes, or null for nothing.</summary>
    public Region? Rectangle(int node) => patches[node]?.Output;

    /// <summary>What the computation of the map's rectangle reads of the maps below.</summary>
    public Region Read(int node) => patches[node]?.Input ?? default;

    /// <summary>The rectangle of a map, or of the map below a view, that the tile's layers read.</summary>
    public Region Window(int node) => windows[node];

    /// <summary>
    /// The rectangle of a map that lies in one piece of memory: the window, and with it the zeros around the map that layers pad it with,
    /// so that none of them has to copy it.
    /// </summary>
    public Region LaidOut(int node) => laidOut[node];

    /// <summary>Whether the map's layer pads what it reads with zeros.</summary>
    public bool IsPaddedWithZeros(int node) =>
        patches[node] is { Input.IsEmpty: false } patch && Grid.Graph.Nodes[node].Layer!.ZeroPadded(patch) is not null;

    /// <summary>Whether a layer of this tile reads the map's window.</summary>
    public bool IsRead(int node) => isRead[node];

    /// <summary>Whether what the tile makes of the map is read by this tile or another, or is an output.</summary>
    public bool IsUseful(int node) => isUseful[node];

    /// <summary>Whether the tile runs the map's layer, so that it may be recorded.</summary>
    public bool HasRecord(int node) => isUseful[node] && (Roles.IsView(node) || patches[node] is not null);

    /// <summary>Whether a part of the rectangle is left for other tiles.</summary>
    public bool StoresStrips(int node) => stores[node];

    /// <summary>Whether any of the rectangle leaves the tile.</summary>
    public bool Leaves(int node) =>
        stores[node] || (Grid.Graph.Outputs.Contains(node) && !Grid.Owned(node, Row, Column).IsEmpty);

    /// <summary>The outputs that the map is, and what the tile answers for of each.</summary>
    public IEnumerable<(int Sink, Region Owned)> Sinks(int node)
    {
        var outputs = Grid.Graph.Outputs;
        for (var sink = 0; sink < outputs.Count; sink++)
        {
            if (outputs[sink] == node && Grid.Owned(node, Row, Column) is { IsEmpty: false } owned)
                yield return (sink, owned);
        }
    }

    /// <summary>Positions of the operand's copy with padding that is made for the map's rectangle; 0 where none is.</summary>
    public long Padded(int node) => patches[node] is { } patch ? Grid.Graph.Nodes[node].Layer!.PaddedPositions(patch) : 0;

    /// <summary>What the map's layer holds of its rectangle, or of the window below where it is a view.</summary>
    public LayerMemory Memory(int node) => memories[node] ??= MemoryOf(node);

    /// <summary>Whether a layer's output may be overwritten; what an overwriting layer gives is kept by its own record.</summary>
    public bool IsFresh(int node, bool recorded) =>
        Grid.Graph.Nodes[node].Layer is var layer && layer!.OutputIsFresh && !(recorded && layer is IOverwritingLayer);

    /// <summary>The window, relative to the tile's own cut of the map.</summary>
    public Region RelativeWindow(int node) => Relative(node, windows[node]);

    /// <summary>A region of a map, relative to the tile's own cut of it.</summary>
    public Region Relative(int node, Region region) => region.IsEmpty ? default : Grid.Origin(node, Row, Column).Relative(region);

    private LayerMemory MemoryOf(int node)
    {
        var layer = Grid.Graph.Nodes[node].Layer!;
        if (!Roles.IsView(node))
            return patches[node] is { } patch ? layer.MemoryOf(patch) : default;
        var window = windows[node];
        return window.IsEmpty ? default : layer.MemoryOf(Grid.Patch(node, window));
    }

    /// <summary>The map whose memory a window's is, all layers in between having overwritten it; null where there is none.</summary>
    private int? Below(int map)
    {
        var nodes = Grid.Graph.Nodes;
        for (; Roles.IsView(map); map = nodes[map].Inputs[0])
        {
            if (nodes[map].Layer is not IOverwritingLayer || uses[nodes[map].Inputs[0]] > 1)
                return null;
        }

        return nodes[map].IsSource ? null : map;
    }

    private void Trace(GraphNode node)
    {
        var i = node.Index;
        isUseful[i] = isRead[i];
        if (node.IsSource)
            return;
        if (Roles.IsView(i))
        {
            isRead[node.Inputs[0]] |= isRead[i];
            uses[node.Inputs[0]] += isRead[i] ? 1 : 0;
            return;
        }

        var computed = Grid.Computed(i, Row, Column);
        if (computed.IsEmpty)
            return;
        stores[i] = Grid.Carry(i)?.Stored(Row, Column).Any() ?? false;
        isUseful[i] |= Leaves(i);
        var patch = Grid.Patch(i, computed);
        patches[i] = patch;
        // A rectangle that reads nothing but padding needs no window, and there may be none at that moment.
        if (patch.Input.IsEmpty || !isUseful[i])
            return;
        foreach (var input in node.Inputs)
        {
            isRead[input] = true;
            uses[input]++;
            var root = Roles.Root(input);
            windows[root] = windows[root].Hull(patch.Input);
        }
    }
}
