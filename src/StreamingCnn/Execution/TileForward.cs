using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>Runs one tile forwards: computes its rectangle of every map from the windows below, layer by layer.</summary>
/// <param name="plan">The grid.</param>
/// <param name="layers">The run's work with the layers.</param>
/// <param name="sources">Where the first layers read.</param>
/// <param name="carried">What earlier tiles left; null where tiles carry nothing.</param>
/// <param name="differentiable">Which maps need a gradient.</param>
/// <param name="settings">How the sources are run.</param>
internal sealed class TileForward(
    GridPlan plan, LayerRuns layers, SourceSet sources, SeamValues? carried, DifferentiablePart differentiable, RunSettings settings)
{
    private readonly StepProfile? profile = settings.Profile;

    /// <summary>Receives the rectangle of a map that a tile has computed; it is valid during the call only.</summary>
    public delegate void ComputedHandler(int node, TileLayout tile, Tensor rectangle);

    /// <summary>Runs a tile, or some of its layers.</summary>
    /// <param name="run">The layers.</param>
    /// <param name="tape">Receives the records.</param>
    /// <param name="computed">Told of every rectangle; null to be left alone.</param>
    public void Run(TileRun run, TileTape tape, ComputedHandler? computed)
    {
        using var maps = new WindowSet(run, plan.Graph.Nodes.Count);
        foreach (var node in plan.Graph.Layers.TakeWhile(node => node.Index < run.End))
        {
            using var scope = NewDisposeScope();
            if (plan.Roles.IsView(node.Index))
                RunView(node, run, maps, tape);
            else
                RunComputed(node, run, maps, tape, computed);
        }
    }

    private void RunComputed(GraphNode node, TileRun run, WindowSet maps, TileTape tape, ComputedHandler? computed)
    {
        var tile = run.Tile;
        Tensor? own = null;
        if (run.Runs(node.Index))
        {
            var patch = tile.Patch(node.Index)!.Value;
            var seeded = patch with { Seed = CounterRandom.Mix(settings.Seed, node.Index), LaidOut = LaidOut(node, patch, maps) };
            var inputs = node.Inputs.Select(input => Operand(input, patch.Input, maps)).ToArray();
            own = Run(node, inputs, seeded, run, tape);
            using (profile.Measure(StepPart.Carry))
                computed?.Invoke(node.Index, tile, own!);
            foreach (var input in patch.Input.IsEmpty ? [] : node.Inputs)
                maps.Release(input);
        }

        if (run.Uses(node.Index) > 0)
            maps.Add(node.Index, Window(node, tile, own, run.Records(node.Index)));
    }

    private void RunView(GraphNode node, TileRun run, WindowSet maps, TileTape tape)
    {
        if (!run.Runs(node.Index))
            return;
        var below = maps[node.Inputs[0]];
        var recorded = run.Records(node.Index);
        // Only where nobody else reads the window: another reader's record, or a slice of it, may still refer to its memory.
        if (node.Layer is IOverwritingLayer layer && below.IsExclusive && run.Uses(node.Inputs[0]) == 1)
        {
            using (profile.Measure(StepPart.OtherLayers))
                layer.Overwrite(below.Tensor);
            if (recorded)
                tape.Add(node.Index, layer.RecordOutput(below.Tensor));
            if (run.Uses(node.Index) > 0)
                maps.Add(node.Index, below.Alias() with { IsExclusive = !recorded });
        }
        else
        {
            var map = plan.Rows.Network.Map(node.Index);
            var patch = new Patch(
                AxisPatch.Of(map, below.Region.Rows), AxisPatch.Of(plan.Columns.Network.Map(node.Index), below.Region.Columns));
            var output = Run(node, [below.Tensor], patch, run, tape);
            if (run.Uses(node.Index) > 0)
                maps.Add(node.Index, new(output!.DetachFromDisposeScope(), below.Region, IsFresh(node, recorded)));
        }

        maps.Release(node.Inputs[0]);
    }

    private Tensor? Run(GraphNode node, Tensor[] inputs, in Patch patch, TileRun run, TileTape tape)
    {
        using var time = profile.Measure(StepParts.Forward(node.Layer!));
        if (!run.Records(node.Index))
            return settings.Format.Of(layers[node.Index].Compute(inputs, patch));
        var wanted = Array.ConvertAll(node.Inputs, differentiable.Needs);
        if (!run.Computes(node.Index))
        {
            tape.Add(node.Index, layers[node.Index].RecordAlone(inputs, patch, wanted));
            return null;
        }

        var (output, record) = layers[node.Index].Run(inputs, patch, wanted);
        tape.Add(node.Index, record);
        return settings.Format.Of(output);
    }

    /// <summary>Whether a layer's output may be overwritten; what an overwriting layer gives is kept by its own record.</summary>
    private static bool IsFresh(GraphNode node, bool recorded) =>
        node.Layer!.OutputIsFresh && !(recorded && node.Layer is IOverwritingLayer);

    private Tensor Operand(int input, Region region, WindowSet maps)
    {
        using var time = profile.Measure(StepPart.Windows);
        var node = plan.Graph.Nodes[input];
        if (region.IsEmpty)
            return settings.Format.Empty(Shape(node, region), node.IsSource ? sources.Type : settings.MapType, sources.Device);
        return node.IsSource ? settings.Format.Of(sources[input].Read(region)) : maps[input].Tensor.Part(maps[input].Region, region);
    }

    /// <summary>
    /// The rectangle of a map that this tile's layers read: its own, and the strips above and left of it that earlier tiles left. No copy is
    /// made where the tile's own rectangle holds everything.
    /// </summary>
    private MapWindow Window(GraphNode node, TileLayout tile, Tensor? own, bool recorded)
    {
        using var time = profile.Measure(StepPart.Windows);
        var (wanted, laidOut) = (tile.Window(node.Index), tile.LaidOut(node.Index));
        var computed = plan.Computed(node.Index, tile.Row, tile.Column);
        if (own is not null && computed.Contains(laidOut))
            return new(own.Part(computed, wanted).DetachFromDisposeScope(), wanted, IsFresh(node, recorded));

        var whole = settings.Format.Empty(Shape(node, laidOut), settings.MapType, sources.Device);
        var window = whole.Part(laidOut, wanted);
        var inside = computed.Intersect(wanted);
        if (own is not null && !inside.IsEmpty)
            window.Part(wanted, inside).copy_(own.Part(computed, inside));
        carried?.TakeInto(node.Index, tile, wanted, window);
        if (laidOut == wanted)
            return new(window.DetachFromDisposeScope(), wanted, IsExclusive: true);
        foreach (var margin in Margins(laidOut, wanted))
            whole.Part(laidOut, margin).zero_();
        return new(window.DetachFromDisposeScope(), wanted, IsExclusive: true) { LaidOut = (whole.DetachFromDisposeScope(), laidOut) };
    }

    /// <summary>What a rectangle has around another one in it.</summary>
    private static IEnumerable<Region> Margins(Region outer, Region inner)
    {
        Region[] sides =
        [
            outer with { Rows = outer.Rows with { End = inner.Rows.Start } },
            outer with { Rows = outer.Rows with { Start = inner.Rows.End } },
            new(inner.Rows, outer.Columns with { End = inner.Columns.Start }),
            new(inner.Rows, outer.Columns with { Start = inner.Columns.End }),
        ];
        return sides.Where(side => !side.IsEmpty);
    }

    /// <summary>A layer's operand and the zeros that it is padded with, where they lie in one piece.</summary>
    private Tensor? LaidOut(GraphNode node, in Patch patch, WindowSet maps)
    {
        var isWindow = !patch.Input.IsEmpty && !plan.Graph.Nodes[node.Inputs[0]].IsSource;
        return isWindow && node.Layer!.ZeroPadded(patch) is { } padded && maps[node.Inputs[0]].LaidOut is var (tensor, region)
            ? tensor.Part(region, padded)
            : null;
    }

    private long[] Shape(GraphNode node, Region region) => [sources.Batch, node.Channels, region.Rows.Length, region.Columns.Length];
}
