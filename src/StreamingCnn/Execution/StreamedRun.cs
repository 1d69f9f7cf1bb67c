using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// The way of an image, or of several sources, through the network: forwards in the plan's order without autograd, keeping the carry;
/// backwards in exactly the reverse order,
/// each tile computed again and differentiated. This is backpropagation through time over a two-dimensional recurrence.
/// </summary>
internal sealed class StreamedRun : IDifferentiableRun
{
    private readonly GridPlan plan;
    private readonly SourceSet sources;
    private readonly RunSettings settings;
    private readonly DifferentiablePart differentiable;
    private readonly ParameterSnapshot snapshot;
    private readonly SeamValues carried;
    private readonly LayerRuns layers;
    private readonly KeptLayers kept;
    private readonly Dictionary<(int Row, int Column), TileTape> tapes = [];
    private bool isReversed;
    private long pressure;

    /// <param name="step">The plan.</param>
    /// <param name="sources">The sources; they belong to the run.</param>
    /// <param name="settings">How they are run.</param>
    public StreamedRun(StepPlan step, SourceSet sources, RunSettings settings)
    {
        kept = step.Kept;
        plan = step.Grid;
        this.sources = sources;
        this.settings = settings;
        differentiable = new DifferentiablePart(plan.Graph, sources.Wanted);
        snapshot = ParameterSnapshot.Of(plan.Graph);
        layers = new LayerRuns(plan.Graph);
        carried = new SeamValues(
            plan, settings, settings.Seams ?? new DeviceSeams(), node => settings.WillReverse && plan.IsReadBefore(node, kept.Cut));
    }

    /// <inheritdoc/>
    public int Outputs => plan.Graph.Outputs.Count;

    /// <summary>The most bytes of carry held so far.</summary>
    public long PeakCarryBytes => carried.PeakBytes;

    /// <summary>Bytes of carry held at present.</summary>
    public long CarryBytes => carried.Bytes;

    /// <inheritdoc/>
    public void Forward(IReadOnlyList<IMapSink> sinks, IProgress<TileProgress>? progress)
    {
        using var grad = no_grad();
        using var time = settings.Profile.Measure(StepPart.Engine);
        foreach (var (node, sink) in plan.Graph.Outputs.Zip(sinks))
        {
            var (height, width) = plan.Size(node);
            sink.Begin(sources.Batch, plan.Graph.Nodes[node].Channels, height, width);
        }

        var forward = new TileForward(plan, layers, sources, carried, differentiable, settings);
        var (order, nodes) = (plan.Order(), plan.Graph.Nodes.Count);
        for (var index = 0; index < order.Count; index++)
        {
            var (row, column) = order[index];
            carried.Begin(order[index], nodes, index + 1 < order.Count ? order[index + 1] : null, nodes);
            using (NewDisposeScope())
            {
                var layout = plan.Tile(row, column);
                var tape = new TileTape(layout, nodes);
                var recordFrom = settings.WillReverse ? kept.From(row, column) : nodes;
                if (recordFrom < nodes)
                    tapes.Add((row, column), tape);
                forward.Run(
                    TileRun.Forward(plan, layout, differentiable, recordFrom),
                    tape,
                    (node, tile, rectangle) => Keep(node, tile, rectangle, sinks));
            }

            carried.EndForward(order[index]);
            progress?.Report(new(TilePass.Forward, index + 1, order.Count));
        }

        Press(carried.Bytes);
    }

    /// <inheritdoc/>
    public (Tensor?[] Sources, Tensor?[] Parameters) Backward(IReadOnlyList<MapSource?> gradients, IProgress<TileProgress>? progress)
    {
        if (isReversed)
            throw new InvalidOperationException("The streamed trunk's backward pass has already run, and what it needed is freed; call forward again for another one.");
        isReversed = true;
        snapshot.CheckUnchanged();
        sources.CheckUnchanged();

        using var grad = no_grad();
        using var time = settings.Profile.Measure(StepPart.Engine);
        using var scope = NewDisposeScope();
        using var parameters = new ParameterGradients(settings.Profile);
        using var strips = new SeamGradients(plan, settings, settings.SeamGradients ?? new DeviceSeams());
        using var ofSources = new SourceGradients(plan, sources);
        var forward = new TileForward(plan, layers, sources, carried, differentiable, settings);
        var backward = new TileBackward(plan, sources, strips, gradients, ofSources, parameters, settings);
        var order = plan.Order();
        var rows = new RowsLeft(plan.Rows.Steps, plan.Columns.Steps);
        for (var index = order.Count - 1; index >= 0; index--)
        {
            var (row, column) = order[index];
            var place = order[index];
            var next = index > 0 ? order[index - 1] : default((int Row, int Column)?);
            carried.Begin(place, kept.From(row, column), next, next is { } before ? kept.From(before.Row, before.Column) : 0);
            using (NewDisposeScope())
            {
                using var tape = tapes.Remove((row, column), out var known)
                    ? known
                    : new TileTape(plan.Tile(row, column), plan.Graph.Nodes.Count);
                var from = kept.From(row, column);
                backward.Run(tape, from, () =>
                {
                    forward.Run(TileRun.Again(plan, tape.Layout, differentiable, from), tape, computed: null);
                    carried.EndRecomputation(place);
                });
                if (from <= plan.Graph.FirstLayer)
                    carried.EndRecomputation(place);
            }

            strips.End(order[index]);
            if (rows.Done(row))
                ofSources.Finish(rows.Last);
            progress?.Report(new(TilePass.Backward, order.Count - index, order.Count));
        }

        layers.Finish(parameters);
        var reached = Reached(gradients);
        var layersReached = plan.Graph.Layers.Where(node => reached[node.Index]);
        var behind = layersReached.SelectMany(node => node.Layer!.Parameters).Select(parameter => parameter.Handle).ToHashSet();
        return (
            ofSources.Take(source => reached[source]),
            [.. plan.Graph.Parameters.Select(p => parameters.Take(p, zeroIfMissing: behind.Contains(p.Handle)))]);
    }

    /// <summary>Frees the carry and lets go of the sources.</summary>
    public void Dispose()
    {
        carried.Dispose();
        foreach (var tape in tapes.Values)
            tape.Dispose();
        tapes.Clear();
        layers.Dispose();
        sources.Dispose();
        Press(0);
        GC.SuppressFinalize(this);
    }

    /// <summary>Only the pressure is undone here; tensors that nobody disposed free themselves.</summary>
    ~StreamedRun() => Press(0);

    /// <summary>
    /// Tells the garbage collector of the native memory that waits for a backward pass, so that it looks for runs whose backward pass never comes.
    /// </summary>
    private void Press(long bytes)
    {
        if (pressure > 0)
            GC.RemoveMemoryPressure(pressure);
        if (bytes > 0)
            GC.AddMemoryPressure(bytes);
        pressure = bytes;
    }

    /// <summary>
    /// Of each node whether any output that has a gradient is behind it. Autograd gives their parameters and sources a gradient of zeros
    /// even where every path is cropped away.
    /// </summary>
    private bool[] Reached(IReadOnlyList<MapSource?> gradients)
    {
        var reached = new bool[plan.Graph.Nodes.Count];
        for (var output = 0; output < gradients.Count; output++)
            reached[plan.Graph.Outputs[output]] |= gradients[output] is not null;
        for (var i = reached.Length - 1; i >= plan.Graph.FirstLayer; i--)
        {
            foreach (var input in reached[i] ? plan.Graph.Nodes[i].Inputs : [])
                reached[input] = true;
        }

        return reached;
    }

    private void Keep(int node, TileLayout tile, Tensor rectangle, IReadOnlyList<IMapSink> sinks)
    {
        var region = plan.Computed(node, tile.Row, tile.Column);
        carried.Store(node, tile, rectangle);
        for (var output = 0; output < sinks.Count; output++)
        {
            if (plan.Graph.Outputs[output] != node)
                continue;
            var owned = plan.Owned(node, tile.Row, tile.Column);
            if (!owned.IsEmpty)
                sinks[output].Write(owned.Rows.Start, owned.Columns.Start, rectangle.Part(region, owned).to(sources.Type));
        }
    }

    /// <summary>The rows of tiles that are still to come in a backward pass, counted from the image's end.</summary>
    private sealed class RowsLeft(int rows, int columns)
    {
        private readonly int[] left = [.. Enumerable.Repeat(columns, rows)];

        /// <summary>The last row of which a tile is left; -1 where none is.</summary>
        public int Last { get; private set; } = rows - 1;

        /// <summary>Counts a tile.</summary>
        /// <returns>Whether another row is the last now.</returns>
        public bool Done(int row)
        {
            left[row]--;
            var before = Last;
            while (Last >= 0 && left[Last] == 0)
                Last--;
            return Last != before;
        }
    }
}
