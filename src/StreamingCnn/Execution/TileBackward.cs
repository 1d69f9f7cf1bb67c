using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// Runs one tile backwards along its tape. The gradient of the tile's own rectangles goes down through their layers; that of the strips goes
/// to the values' home tiles, which come later in the reversed order and find it complete.
/// </summary>
/// <param name="plan">The grid.</param>
/// <param name="sources">What was run forwards.</param>
/// <param name="strips">Gradients of carried values; null where tiles carry nothing.</param>
/// <param name="outputs">Where the gradient of each output comes from, or null where none came in.</param>
/// <param name="ofSources">Receives the sources' gradients.</param>
/// <param name="parameters">Receives the parameters' gradients.</param>
/// <param name="settings">How the sources are run.</param>
internal sealed class TileBackward(
    GridPlan plan,
    SourceSet sources,
    SeamGradients? strips,
    IReadOnlyList<MapSource?> outputs,
    SourceGradients ofSources,
    ParameterGradients parameters,
    RunSettings settings)
{
    private readonly StepProfile? profile = settings.Profile;

    /// <summary>Runs a tile. The tape is used up.</summary>
    /// <param name="tape">The records that were kept: those of all layers from a node on.</param>
    /// <param name="from">That node.</param>
    /// <param name="computeAgain">Adds the others to the tape, once those that were kept have been used.</param>
    public void Run(TileTape tape, int from, Action computeAgain)
    {
        var gradients = new GradientWindow?[plan.Graph.Nodes.Count];
        try
        {
            for (var node = gradients.Length - 1; node >= plan.Graph.FirstLayer; node--)
            {
                if (node == from - 1)
                    computeAgain();
                using var scope = NewDisposeScope();
                using var record = tape.Take(node);
                if (plan.Roles.IsView(node))
                    RunView(node, tape.Layout, record, gradients);
                else
                    RunComputed(node, tape.Layout, record, gradients);
                gradients[node]?.Dispose();
                gradients[node] = null;
            }
        }
        finally
        {
            foreach (var gradient in gradients)
                gradient?.Dispose();
        }
    }

    private void RunView(int node, TileLayout tile, LayerRecord? record, GradientWindow?[] gradients)
    {
        if (record is null || gradients[node]?.Sum is not { } gradient)
            return;
        if (Run(node, record, gradient)[0] is { } below)
            Into(plan.Graph.Nodes[node].Inputs[0], tile, gradients).Add(tile.Window(node), below);
    }

    private void RunComputed(int node, TileLayout tile, LayerRecord? record, GradientWindow?[] gradients)
    {
        var window = gradients[node];
        if (window?.Sum is { } sum)
        {
            using var adding = profile.Measure(StepPart.Gradients);
            strips?.Send(node, tile, window.Region, sum);
        }

        if (record is null)
            return;
        using var own = Own(node, tile, window);
        if (own.Sum is not { } gradient)
            return;

        var inputs = plan.Graph.Nodes[node].Inputs;
        var read = tile.Patch(node)!.Value.Input;
        var below = Run(node, record, gradient);
        using var time = profile.Measure(StepPart.Gradients);
        for (var i = 0; i < inputs.Length; i++)
        {
            if (below[i] is not { } part || read.IsEmpty)
                continue;
            if (plan.Graph.Nodes[inputs[i]].IsSource)
                ofSources.Add(inputs[i], read, part.Tensor);
            else
                Into(inputs[i], tile, gradients).Add(read, part);
        }
    }

    /// <summary>
    /// The gradient of the rectangle that the tile computed: from its own layers, from later tiles that read a part of it, and from outside
    /// where it is an output.
    /// </summary>
    private GradientWindow Own(int node, TileLayout tile, GradientWindow? window)
    {
        using var time = profile.Measure(StepPart.Gradients);
        var region = plan.Computed(node, tile.Row, tile.Column);
        var own = new GradientWindow(region, Shape(node, region), settings.Format);
        if (window?.Sum is { } sum)
        {
            var inside = window.Region.Intersect(region);
            if (!inside.IsEmpty)
                own.Add(inside, new(sum.Part(window.Region, inside), window.IsExclusive));
        }

        strips?.TakeInto(node, tile, own);
        for (var output = 0; output < outputs.Count; output++)
        {
            if (plan.Graph.Outputs[output] != node || outputs[output] is not { } gradient)
                continue;
            var owned = plan.Owned(node, tile.Row, tile.Column);
            if (!owned.IsEmpty)
                own.Add(owned, new(settings.Format.Of(gradient.Read(owned).to(settings.MapType)), IsExclusive: false));
        }

        return own;
    }

    private IReadOnlyList<LayerGradient?> Run(int node, LayerRecord record, Tensor gradient)
    {
        using var time = profile.Measure(StepParts.Backward(plan.Graph.Nodes[node].Layer!));
        return [.. record.Backward(gradient, parameters).Select(InFormat)];
    }

    private LayerGradient? InFormat(LayerGradient? gradient)
    {
        if (gradient is not { } found || settings.Format.Of(found.Tensor) is var tensor && ReferenceEquals(tensor, found.Tensor))
            return gradient;
        found.Tensor.Dispose();
        return new(tensor, IsExclusive: true);
    }

    private GradientWindow Into(int node, TileLayout tile, GradientWindow?[] gradients) =>
        gradients[node] ??= new GradientWindow(tile.Window(node), Shape(node, tile.Window(node)), settings.Format);

    private long[] Shape(int node, Region region) =>
        [sources.Batch, plan.Graph.Nodes[node].Channels, region.Rows.Length, region.Columns.Length];
}
