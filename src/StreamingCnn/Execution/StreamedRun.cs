using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// One image's way through the network: forwards in raster order without autograd, keeping the carry; backwards in exactly the reverse order,
/// each tile computed again and differentiated. This is backpropagation through time over a two-dimensional recurrence.
/// </summary>
internal sealed class StreamedRun : IDifferentiableRun
{
    private readonly GridPlan plan;
    private readonly ImageInput image;
    private readonly RunSettings settings;
    private readonly DifferentiablePart differentiable;
    private readonly ParameterSnapshot snapshot;
    private readonly BandStore carried;
    private readonly LayerRuns layers;
    private readonly KeptLayers kept;
    private readonly Dictionary<(int Row, int Column), TileTape> tapes = [];
    // For each map the first row of tiles whose band has not been put away.
    private readonly int[] firstKept;
    private bool isReversed;
    private long pressure;

    /// <param name="step">The plan.</param>
    /// <param name="image">The image.</param>
    /// <param name="settings">How it is run.</param>
    public StreamedRun(StepPlan step, ImageInput image, RunSettings settings)
    {
        kept = step.Kept;
        plan = step.Grid;
        firstKept = new int[plan.Graph.Nodes.Count];
        this.image = image;
        this.settings = settings;
        differentiable = new DifferentiablePart(plan.Graph, settings.ImageWanted);
        snapshot = ParameterSnapshot.Of(plan.Graph);
        layers = new LayerRuns(plan.Graph);
        carried = new BandStore(plan, image.Batch, settings, image.Device, settings.Shelf);
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
        var done = 0;
        foreach (var (row, column) in plan.Order())
        {
            using (NewDisposeScope())
            {
                var recordFrom = settings.WillReverse ? kept.From(row, column) : plan.Graph.Nodes.Count;
                var tape = forward.Run(
                    plan.Tile(row, column), recordFrom, plan.Graph.Nodes.Count, (node, tile, rectangle) => Keep(node, tile, rectangle, outputs));
                if (tape is not null)
                    tapes.Add((row, column), tape);
            }

            if (column == plan.Columns.Steps - 1 && row < plan.Rows.Steps - 1)
                PutAway(row);
            progress?.Report(new(TilePass.Forward, ++done, plan.Rows.Steps * plan.Columns.Steps));
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
        using var strips = new BandStore(plan, image.Batch, settings, image.Device);
        using var imageGradient = ImageWanted ? new ImageGradient(image, settings.GradientRows) : null;
        var lastRead = ImageWanted && settings.GradientRows is not null ? ImageGradient.LastRowsRead(plan) : null;
        var forward = new TileForward(plan, layers, image, carried, differentiable, settings);
        var backward = new TileBackward(plan, image, strips, gradients, imageGradient, parameters, settings);
        var done = 0;
        foreach (var (row, column) in plan.Order().Reverse())
        {
            using (NewDisposeScope())
            {
                using var tape = Tape(forward, row, column);
                backward.Run(tape);
            }

            if (column == 0)
            {
                FreeRow(row, strips);
                imageGradient?.Finish(row > 0 && lastRead is not null ? lastRead[row - 1] : 0);
            }

            progress?.Report(new(TilePass.Backward, ++done, plan.Rows.Steps * plan.Columns.Steps));
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
        foreach (var piece in plan.Carry(node)?.Stored(tile.Row, tile.Column) ?? [])
            carried.Piece(node, piece, zeroed: false).copy_(rectangle.Part(region, piece.Region));

        for (var output = 0; output < outputs.Length; output++)
        {
            var owned = plan.Owned(node, tile.Row, tile.Column);
            if (plan.Graph.Outputs[output] != node || owned.IsEmpty)
                continue;
            var (height, width) = plan.Size(node);
            outputs[output].Part(Region.Whole(height, width), owned).copy_(rectangle.Part(region, owned));
        }
    }

    /// <summary>After a row of tiles in the forward pass: what no later row reads waits for the backward pass, or is freed where none follows.</summary>
    private void PutAway(int row)
    {
        if (settings.WillReverse && !carried.HasShelf)
            return;
        Action<int, BandKind, int> away = settings.WillReverse ? carried.Shelve : carried.Free;
        foreach (var node in plan.Graph.Nodes)
        {
            if (plan.Carry(node.Index) is not { } carry)
                continue;
            away(node.Index, BandKind.Columns, row);
            var needed = plan.FirstRowNeeded(node.Index, row + 1);
            // What a row of tiles stores ends further down than what the row above stores, so that they go one after the other.
            for (ref var next = ref firstKept[node.Index]; next <= row && carry.LastStoredRow(next) <= needed; next++)
                away(node.Index, BandKind.Rows, next);
        }
    }

    /// <summary>After a row of tiles in the backward pass: its values and their gradients have been used.</summary>
    private void FreeRow(int row, BandStore strips)
    {
        foreach (var node in plan.Graph.Nodes)
        {
            foreach (var kind in (ReadOnlySpan<BandKind>)[BandKind.Rows, BandKind.Columns])
            {
                carried.Free(node.Index, kind, row);
                strips.Free(node.Index, kind, row);
            }
        }
    }
}
