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
/// <param name="differentiable">Which layers are recorded.</param>
/// <param name="settings">How the sources are run.</param>
internal sealed class TileForward(
    GridPlan plan, LayerRuns layers, SourceSet sources, SeamValues? carried, DifferentiablePart differentiable, RunSettings settings)
{
    private readonly StepProfile? profile = settings.Profile;

    /// <summary>Receives the rectangle of a map that a tile has computed; it is valid during the call only.</summary>
    public delegate void ComputedHandler(int node, TileLayout tile, Tensor rectangle);

    /// <summary>Runs a tile, or its first layers.</summary>
    /// <param name="tile">The tile.</param>
    /// <param name="recordFrom">The first node whose layer is recorded for the backward pass; the number of nodes for none.</param>
    /// <param name="end">One past the last node to run.</param>
    /// <param name="computed">Told of every rectangle; null to be left alone.</param>
    /// <returns>The tape, or null where nothing is recorded. The caller disposes it.</returns>
    public TileTape? Run(TileLayout tile, int recordFrom, int end, ComputedHandler? computed)
    {
        var nodes = plan.Graph.Nodes;
        var tape = recordFrom < nodes.Count ? new TileTape(tile, nodes.Count) : null;
        var maps = new WindowSet(tile, plan.Roles);
        try
        {
            foreach (var node in plan.Graph.Layers.TakeWhile(node => node.Index < end))
            {
                using var scope = NewDisposeScope();
                var recording = node.Index >= recordFrom ? tape : null;
                if (plan.Roles.IsView(node.Index))
                    RunView(node, tile, maps, recording);
                else
                    RunComputed(node, tile, maps, recording, computed);
            }

            return tape;
        }
        catch
        {
            tape?.Dispose();
            throw;
        }
        finally
        {
            maps.Dispose();
        }
    }

    private void RunComputed(GraphNode node, TileLayout tile, WindowSet maps, TileTape? tape, ComputedHandler? computed)
    {
        Tensor? own = null;
        if (tile.Patch(node.Index) is { } patch)
        {
            var seeded = patch with { Seed = CounterRandom.Mix(settings.Seed, node.Index) };
            var inputs = node.Inputs.Select(input => Operand(input, patch.Input, maps)).ToArray();
            own = Run(node, inputs, seeded, tape);
            using (profile.Measure(StepPart.Carry))
                computed?.Invoke(node.Index, tile, own);
            foreach (var input in patch.Input.IsEmpty ? [] : node.Inputs)
                maps.Release(input);
        }

        if (tile.Uses(node.Index) > 0)
            maps.Add(node.Index, Window(node, tile, own, tape is not null));
    }

    private void RunView(GraphNode node, TileLayout tile, WindowSet maps, TileTape? tape)
    {
        if (tile.Uses(node.Index) == 0)
            return;
        var below = maps[node.Inputs[0]];
        var recorded = tape is not null && differentiable.Needs(node.Index);
        // Only where nobody else reads the window: another reader's record, or a slice of it, may still refer to its memory.
        if (node.Layer is IOverwritingLayer layer && below.IsExclusive && tile.Uses(node.Inputs[0]) == 1)
        {
            using (profile.Measure(StepPart.OtherLayers))
                layer.Overwrite(below.Tensor);
            if (recorded)
                tape!.Add(node.Index, layer.RecordOutput(below.Tensor));
            maps.Add(node.Index, below with { Tensor = below.Tensor.alias().DetachFromDisposeScope(), IsExclusive = !recorded });
        }
        else
        {
            var map = plan.Rows.Network.Map(node.Index);
            var patch = new Patch(
                AxisPatch.Of(map, below.Region.Rows), AxisPatch.Of(plan.Columns.Network.Map(node.Index), below.Region.Columns));
            var output = Run(node, [below.Tensor], patch, tape);
            maps.Add(node.Index, new(output.DetachFromDisposeScope(), below.Region, IsFresh(node, recorded)));
        }

        maps.Release(node.Inputs[0]);
    }

    private Tensor Run(GraphNode node, Tensor[] inputs, in Patch patch, TileTape? tape)
    {
        using var time = profile.Measure(StepParts.Forward(node.Layer!));
        if (tape is null || !differentiable.Needs(node.Index))
            return settings.Format.Of(layers[node.Index].Compute(inputs, patch));
        var (output, record) = layers[node.Index].Run(inputs, patch, Array.ConvertAll(node.Inputs, differentiable.Needs));
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
    private MapWindow Window(GraphNode node, TileLayout tile, Tensor? own, bool record)
    {
        using var time = profile.Measure(StepPart.Windows);
        var wanted = tile.Window(node.Index);
        var computed = plan.Computed(node.Index, tile.Row, tile.Column);
        if (own is not null && computed.Contains(wanted))
            return new(own.Part(computed, wanted).DetachFromDisposeScope(), wanted, IsFresh(node, record && differentiable.Needs(node.Index)));

        var window = settings.Format.Empty(Shape(node, wanted), settings.MapType, sources.Device);
        var inside = computed.Intersect(wanted);
        if (own is not null && !inside.IsEmpty)
            window.Part(wanted, inside).copy_(own.Part(computed, inside));
        carried!.TakeInto(node.Index, tile, wanted, window);
        return new(window.DetachFromDisposeScope(), wanted, IsExclusive: true);
    }

    private long[] Shape(GraphNode node, Region region) => [sources.Batch, node.Channels, region.Rows.Length, region.Columns.Length];
}
