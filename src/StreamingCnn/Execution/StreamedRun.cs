using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// One image's way through the network: forwards in the plan's order without autograd, keeping the carry; backwards in exactly the reverse order,
/// each tile computed again and differentiated. This is backpropagation through time over a two-dimensional recurrence.
/// </summary>
internal sealed class StreamedRun : IDifferentiableRun
{
    private readonly GridPlan plan;
    private readonly ImageInput image;
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
    /// <param name="image">The image.</param>
    /// <param name="settings">How it is run.</param>
    public StreamedRun(StepPlan step, ImageInput image, RunSettings settings)
    {
        kept = step.Kept;
        plan = step.Grid;
        this.image = image;
        this.settings = settings;
        differentiable = new DifferentiablePart(plan.Graph, settings.ImageWanted);
        snapshot = ParameterSnapshot.Of(plan.Graph);
        layers = new LayerRuns(plan.Graph);
        carried = new SeamValues(plan, settings, settings.Seams ?? new DeviceSeams());
    }

    /// <summary>Whether the image's gradient is wanted.</summary>
    public bool ImageWanted => settings.ImageWanted;

    /// <summary>The most bytes of carry held so far.</summary>
    public long PeakCarryBytes => carried.PeakBytes;

    /// <summary>Bytes of carry held at present.</summary>
    public long CarryBytes => carried.Bytes;

    /// <summary>Runs all tiles forwards.</summary>
    /// <returns>The outputs, [N, C, H, W] each, in the caller's scope.</returns>
    public Tensor[] Forward(IProgress<TileProgress>? progress)
    {
        using var grad = no_grad();
        using var time = settings.Profile.Measure(StepPart.Engine);
        var outputs = plan.Graph.Outputs.Select(node =>
        {
            var (height, width) = plan.Size(node);
            using (TensorHeap.Lasting())
                return empty(image.Batch, plan.Graph.Nodes[node].Channels, height, width, dtype: image.Type, device: image.Device);
        }).ToArray();
        var forward = new TileForward(plan, layers, image, carried, differentiable, settings);
        var (order, nodes) = (plan.Order(), plan.Graph.Nodes.Count);
        for (var index = 0; index < order.Count; index++)
        {
            var (row, column) = order[index];
            carried.Begin(order[index], nodes, index + 1 < order.Count ? order[index + 1] : null, nodes);
            using (NewDisposeScope())
            {
                var recordFrom = settings.WillReverse ? kept.From(row, column) : nodes;
                var tape = forward.Run(plan.Tile(row, column), recordFrom, nodes, (node, tile, rectangle) => Keep(node, tile, rectangle, outputs));
                if (tape is not null)
                    tapes.Add((row, column), tape);
            }

            carried.EndForward(order[index]);
            progress?.Report(new(TilePass.Forward, index + 1, order.Count));
        }

        Press(carried.Bytes);
        return outputs;
    }

    /// <summary>Runs all tiles backwards. Can be called once.</summary>
    /// <param name="gradients">The gradient of each output, null for none.</param>
    /// <param name="progress">Told of every tile; null for nobody.</param>
    /// <returns>The image's gradient, if wanted, and that of each of the graph's parameters. They belong to no scope.</returns>
    public (Tensor? Image, Tensor?[] Parameters) Backward(IReadOnlyList<Tensor?> gradients, IProgress<TileProgress>? progress)
    {
        if (isReversed)
            throw new InvalidOperationException("The streamed trunk's backward pass has already run, and what it needed is freed; call forward again for another one.");
        isReversed = true;
        snapshot.CheckUnchanged();
        image.CheckUnchanged();

        using var grad = no_grad();
        using var time = settings.Profile.Measure(StepPart.Engine);
        using var scope = NewDisposeScope();
        using var parameters = new ParameterGradients(settings.Profile);
        using var strips = new SeamGradients(plan, settings, settings.SeamGradients ?? new DeviceSeams());
        using var imageGradient = ImageWanted ? new ImageGradient(image, settings.GradientRows) : null;
        var lastRead = ImageWanted && settings.GradientRows is not null ? ImageGradient.LastRowsRead(plan) : null;
        var forward = new TileForward(plan, layers, image, carried, differentiable, settings);
        var backward = new TileBackward(plan, image, strips, gradients, imageGradient, parameters, settings);
        var order = plan.Order();
        var rows = new RowsLeft(plan.Rows.Steps, plan.Columns.Steps);
        for (var index = order.Count - 1; index >= 0; index--)
        {
            var (row, column) = order[index];
            var next = index > 0 ? order[index - 1] : default((int Row, int Column)?);
            carried.Begin(order[index], kept.From(row, column), next, next is { } place ? kept.From(place.Row, place.Column) : 0);
            using (NewDisposeScope())
            {
                using var tape = Tape(forward, row, column);
                carried.EndRecomputation(order[index]);
                backward.Run(tape);
            }

            strips.End(order[index]);
            if (rows.Done(row))
                imageGradient?.Finish(rows.Last >= 0 && lastRead is not null ? lastRead[rows.Last] : 0);
            progress?.Report(new(TilePass.Backward, order.Count - index, order.Count));
        }

        layers.Finish(parameters);
        var reached = Reached(gradients);
        return (imageGradient?.Take(), [.. plan.Graph.Parameters.Select(p => parameters.Take(p, zeroIfMissing: reached.Contains(p.Handle)))]);
    }

    /// <summary>Frees the carry and lets go of the image.</summary>
    public void Dispose()
    {
        carried.Dispose();
        foreach (var tape in tapes.Values)
            tape.Dispose();
        tapes.Clear();
        layers.Dispose();
        image.Dispose();
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
    /// The parameters before any output that has a gradient. Autograd gives those a gradient of zeros even where every path is cropped away.
    /// </summary>
    private HashSet<IntPtr> Reached(IReadOnlyList<Tensor?> gradients)
    {
        var nodes = plan.Graph.Nodes;
        var reached = new bool[nodes.Count];
        for (var output = 0; output < gradients.Count; output++)
            reached[plan.Graph.Outputs[output]] |= gradients[output] is not null;
        var parameters = new HashSet<IntPtr>();
        for (var i = nodes.Count - 1; i > 0; i--)
        {
            if (!reached[i])
                continue;
            foreach (var input in nodes[i].Inputs)
                reached[input] = true;
            parameters.UnionWith(nodes[i].Layer!.Parameters.Select(parameter => parameter.Handle));
        }

        return parameters;
    }

    /// <summary>A tile's whole tape: what was kept of it, and the layers before that computed again.</summary>
    private TileTape Tape(TileForward forward, int row, int column)
    {
        tapes.Remove((row, column), out var late);
        var from = kept.From(row, column);
        if (late is not null && from <= 1)
            return late;
        try
        {
            var tape = forward.Run(plan.Tile(row, column), recordFrom: 1, end: from, computed: null)!;
            tape.TakeOver(late);
            return tape;
        }
        catch
        {
            late?.Dispose();
            throw;
        }
    }

    private void Keep(int node, TileLayout tile, Tensor rectangle, Tensor[] outputs)
    {
        var region = plan.Computed(node, tile.Row, tile.Column);
        carried.Store(node, tile, rectangle);
        for (var output = 0; output < outputs.Length; output++)
        {
            var owned = plan.Owned(node, tile.Row, tile.Column);
            if (plan.Graph.Outputs[output] != node || owned.IsEmpty)
                continue;
            var (height, width) = plan.Size(node);
            outputs[output].Part(Region.Whole(height, width), owned).copy_(rectangle.Part(region, owned));
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
