using System.Globalization;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;

namespace StreamingCnn.Planning.Stages;

/// <summary>What a stage of a network costs besides its own tiles.</summary>
/// <param name="BytesBesides">
/// Bytes that are there whatever its tiles: parameters of other stages, maps that wait and their gradients, what other stages have left for
/// their backward pass.
/// </param>
/// <param name="KeepsNothing">Whether it computes everything again in the backward pass: others run in between.</param>
/// <param name="OnTheWay">
/// Bytes of waiting maps that may be on their way to where they wait, and as many on their way back; null where they wait on the device.
/// </param>
internal sealed record StageCost(long BytesBesides, bool KeepsNothing, long? OnTheWay)
{
    // Of the gradient of a map that reductions look at: their share, and what it is computed in.
    private const int TensorsOfTap = 2;

    /// <summary>Of each of the graph's sources whether it is a map that waits.</summary>
    public required IReadOnlyList<bool> IsBoundary { get; init; }

    /// <summary>Of each of the graph's outputs whether reductions look at the map where it waits.</summary>
    public required IReadOnlyList<bool> IsTapped { get; init; }

    /// <summary>Of each of the graph's outputs whether it is an output of the network.</summary>
    public required IReadOnlyList<bool> IsOutput { get; init; }

    /// <summary>All that a plan depends on.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{BytesBesides} {KeepsNothing} {OnTheWay}");

    /// <summary>The cost of a stage.</summary>
    public static StageCost Of(Stage stage, int sources, long bytesBesides, bool keepsNothing, long? onTheWay) =>
        new(bytesBesides, keepsNothing, onTheWay)
        {
            IsBoundary = [.. stage.Sources.Select(map => map >= sources)],
            IsTapped = [.. stage.Outputs.Select(output => output.Taps.Count > 0)],
            IsOutput = [.. stage.Outputs.Select(output => output.Map >= 0 && output.NetworkOutputs.Count > 0)],
        };

    /// <summary>Bytes besides, with those that depend on the tiles.</summary>
    public long Bytes(GridPlan grid, TrunkCost trunk)
    {
        var tapped = trunk.SourceValueBytes * grid.Graph.Outputs.Where((_, output) => IsTapped[output])
            .Select(node => Values(grid, node, grid.Rows.Owned, grid.Columns.Owned)).DefaultIfEmpty().Max();
        var isForwardAlone = trunk.Passes != Passes.Both;
        var bytes = BytesBesides + (isForwardAlone ? 0 : TensorsOfTap * tapped);
        if (trunk.Passes == Passes.ForwardIntoSinks)
            bytes += trunk.SourceValueBytes * grid.Graph.Outputs.Where((_, output) => IsOutput[output]).Sum(grid.ValuesOfRows);
        if (OnTheWay is not { } onTheWay)
            return bytes;
        var sources = grid.Graph.Sources
            .Where(source => IsBoundary[source.Index] && grid.Graph.Consumers[source.Index].Length > 0).ToArray();
        // A window that is larger than all that may be on its way is alone.
        var window = Math.Max(tapped, trunk.SourceValueBytes * sources.Select(source => Window(grid, source)).DefaultIfEmpty().Max());
        var held = trunk.SourceValueBytes
            * sources.Where(source => !isForwardAlone && trunk.Differentiable.Needs(source.Index)).Sum(source => Held(grid, source));
        return bytes + tapped + (2 * onTheWay) + Math.Max(0, window - onTheWay) + held;
    }

    private static long Window(GridPlan grid, GraphNode source) => Values(
        grid, source.Index, (node, step) => Read(grid.Rows, node, step), (node, step) => Read(grid.Columns, node, step));

    /// <summary>Values of a map's largest rectangle.</summary>
    private static long Values(GridPlan grid, int node, Func<int, int, Interval> rows, Func<int, int, Interval> columns) =>
        Enumerable.Range(0, grid.Rows.Steps).Max(step => rows(node, step).Length)
        * Enumerable.Range(0, grid.Columns.Steps).Max(step => columns(node, step).Length)
        * grid.Graph.Nodes[node].Channels;

    /// <summary>Values of the rows of a source's gradient that are held until no tile adds to them any more.</summary>
    private static long Held(GridPlan grid, GraphNode source)
    {
        long most = 0, end = 0;
        for (var step = 0; step < grid.Rows.Steps; step++)
        {
            var read = Read(grid.Rows, source.Index, step);
            if (read.IsEmpty)
                continue;
            // Rows that the tiles below have left behind are copied to where the others come.
            var left = Math.Max(0, Math.Max(end, read.End) - read.Start);
            most = Math.Max(most, left + Math.Max(0, end - read.Start));
            end = Math.Max(end, read.End);
        }

        return most * grid.Size(source.Index).Width * source.Channels;
    }

    /// <summary>What a step reads of a source along an axis.</summary>
    private static Interval Read(AxisLayout axis, int source, int step) => axis.Network.Graph.Consumers[source]
        .Where(reader => !axis.Computed(reader, step).IsEmpty)
        .Aggregate(default(Interval), (read, reader) => read.Hull(axis.Patch(reader, step).Span.Interval));
}
