using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Interop;
using StreamingCnn.Planning.Programs;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// Runs programs forwards, with tensors: a tile computes its rectangle of every map from the windows below, layer by layer.
/// </summary>
/// <param name="run">What the tiles of a run share.</param>
internal sealed class TileForward(RunContext run)
{
    private readonly MapWindow?[] windows = new MapWindow?[run.Plan.Graph.Nodes.Count];
    private readonly List<Tensor> sources = [];
    private Tensor? rectangle;
    private (int Row, int Column) tile;
    private TileTape tape = null!;

    /// <summary>The tensors that are held at present.</summary>
    public IEnumerable<Tensor> Held
    {
        get
        {
            foreach (var window in windows)
            {
                if (window is { } held)
                    yield return held.Tensor;
            }

            foreach (var source in sources)
                yield return source;
            if (rectangle is not null)
                yield return rectangle;
        }
    }

    /// <summary>Turns to a tile.</summary>
    /// <param name="place">The tile's row and column.</param>
    /// <param name="records">Takes records and kept windows, and gives back the windows that it has.</param>
    public void Begin((int Row, int Column) place, TileTape records) => (tile, tape) = (place, records);

    /// <summary>Does one thing. Tensors that it leaves in the caller's scope are not needed any more.</summary>
    public void Step(ForwardInstruction instruction)
    {
        switch (instruction)
        {
            case ReadSource read:
                using (Measure(StepPart.Windows))
                    sources.Add(
                        run.Settings.Format.Of(run.Sources[read.Source].Read(Absolute(read.Source, read.Region))).DetachFromDisposeScope());
                break;
            case ReadWindow read:
                using (Measure(StepPart.Windows))
                    ReadWindow(read);
                break;
            case Compute compute:
                Compute(compute);
                break;
            case RecordAlone record:
                Record(record);
                break;
            case Apply apply:
                var below = windows[Node(apply.Node).Inputs[0]]!.Value;
                var output = Layer(apply.Node, [below.Tensor], Patch(apply.Node, below.Region), apply.Records);
                windows[apply.Node] = new(output.DetachFromDisposeScope(), below.Region);
                break;
            case Overwrite overwrite:
                Overwrite(overwrite);
                break;
            case StoreStrips store:
                using (Measure(StepPart.Carry))
                    run.Carried.Store(store.Node, tile, rectangle!);
                break;
            case ForgetStrips:
                run.Carried.EndRecomputation(tile);
                break;
            case WriteSink write:
                using (Measure(StepPart.Carry))
                    Write(write);
                break;
            case CutWindow cut:
                var window = Absolute(cut.Node, cut.Window);
                windows[cut.Node] = new(rectangle!.Part(Rectangle(cut.Node), window).DetachFromDisposeScope(), window);
                break;
            case GatherWindow gather:
                using (Measure(StepPart.Windows))
                    Gather(gather);
                break;
            case ReleaseWindow release:
                windows[release.Node]!.Value.Dispose();
                windows[release.Node] = null;
                break;
            case ReleaseRectangle:
                rectangle!.Dispose();
                rectangle = null;
                break;
            default:
                throw new InvalidOperationException($"A tile's way forwards has no {instruction.GetType().Name}.");
        }
    }

    private void ReadWindow(ReadWindow read)
    {
        var region = Absolute(read.Source, read.Window);
        var values = run.Sources[read.Source].Read(region);
        windows[read.Source] = new(run.Settings.Format.Of(values.to(run.Settings.MapType)).alias().DetachFromDisposeScope(), region);
    }

    private void Compute(Compute compute)
    {
        var patch = Rectangle(compute.Node, compute.IsLaidOut, out var inputs);
        rectangle = Layer(compute.Node, inputs, patch, compute.Records).DetachFromDisposeScope();
        ReleaseSources();
    }

    private void Record(RecordAlone record)
    {
        var patch = Rectangle(record.Node, record.IsLaidOut, out var inputs);
        using (Measure(StepParts.Forward(Node(record.Node).Layer!)))
            tape.Add(record.Node, run.Layers[record.Node].RecordAlone(inputs, patch, Wanted(record.Node)));
        ReleaseSources();
    }

    /// <summary>What a layer computes of its map in this tile, and what that reads.</summary>
    private Patch Rectangle(int index, bool isLaidOut, out Tensor[] inputs)
    {
        using var time = Measure(StepPart.Windows);
        var node = Node(index);
        var patch = Patch(index, Rectangle(index)) with { Seed = CounterRandom.Mix(run.Settings.Seed, node.Key) };
        inputs = new Tensor[node.Inputs.Length];
        var next = 0;
        for (var operand = 0; operand < inputs.Length; operand++)
        {
            var input = node.Inputs[operand];
            inputs[operand] = patch.Input.IsEmpty ? run.Empty(input, patch.Input)
                : Node(input) is { IsSource: true, IsStored: false } ? sources[next++]
                : windows[input]!.Value.Tensor.Part(windows[input]!.Value.Region, patch.Input);
        }

        if (!isLaidOut)
            return patch;
        var (whole, region) = windows[node.Inputs[0]]!.Value.LaidOut!.Value;
        return patch with { LaidOut = whole.Part(region, node.Layer!.ZeroPadded(patch)!.Value) };
    }

    private void ReleaseSources()
    {
        foreach (var source in sources)
            source.Dispose();
        sources.Clear();
    }

    private void Overwrite(Overwrite overwrite)
    {
        var layer = (IOverwritingLayer)Node(overwrite.Node).Layer!;
        var below = windows[Node(overwrite.Node).Inputs[0]]!.Value;
        using (Measure(StepPart.OtherLayers))
            layer.Overwrite(below.Tensor);
        if (overwrite.Records)
            tape.Add(overwrite.Node, layer.RecordOutput(below.Tensor));
        windows[overwrite.Node] = below.Alias();
    }

    private Tensor Layer(int node, Tensor[] inputs, in Patch patch, bool records)
    {
        var layer = run.Layers[node];
        using var time = Measure(StepParts.Forward(Node(node).Layer!));
        if (!records)
            return run.Settings.Format.Of(layer.Compute(inputs, patch));
        var (output, record) = layer.Run(inputs, patch, Wanted(node));
        tape.Add(node, record);
        return run.Settings.Format.Of(output);
    }

    /// <summary>
    /// The rectangle of a map that this tile's layers read: its own, and the strips above and left of it that earlier tiles left.
    /// </summary>
    private void Gather(GatherWindow gather)
    {
        var (region, inside, laidOut) =
            (Absolute(gather.Node, gather.Window), Absolute(gather.Node, gather.Inside), Absolute(gather.Node, gather.LaidOut));
        var whole = run.Empty(gather.Node, laidOut);
        var window = whole.Part(laidOut, region);
        if (!inside.IsEmpty)
            window.Part(region, inside).copy_(rectangle!.Part(Rectangle(gather.Node), inside));
        run.Carried.TakeInto(gather.Node, tile, region, window);
        windows[gather.Node] = new(window.DetachFromDisposeScope(), region);
        if (laidOut == region)
            return;
        foreach (var margin in laidOut.Around(region))
            whole.Part(laidOut, margin).zero_();
        windows[gather.Node] = new(window, region) { LaidOut = (whole.DetachFromDisposeScope(), laidOut) };
    }

    /// <summary>What a layer computes of a region of its map, and what that reads.</summary>
    private Patch Patch(int node, Region region) => new(
        AxisPatch.Of(run.Plan.Rows.Network.Map(node), region.Rows), AxisPatch.Of(run.Plan.Columns.Network.Map(node), region.Columns));

    private void Write(WriteSink write)
    {
        var region = Absolute(write.Node, write.Region);
        run.Sinks[write.Sink].Write(
            region.Rows.Start, region.Columns.Start, rectangle!.Part(Rectangle(write.Node), region).to(run.Sources.Type));
    }

    private bool[] Wanted(int node) => Array.ConvertAll(Node(node).Inputs, run.Differentiable.Needs);

    private Region Absolute(int node, Region region) =>
        region.IsEmpty ? default : run.Plan.Origin(node, tile.Row, tile.Column).Absolute(region);

    private Region Rectangle(int node) => run.Plan.Computed(node, tile.Row, tile.Column);

    private GraphNode Node(int node) => run.Plan.Graph.Nodes[node];

    private StepProfile.Stretch Measure(StepPart part) => run.Settings.Profile.Measure(part);

    /// <summary>Lets go of everything.</summary>
    public void Release()
    {
        for (var node = 0; node < windows.Length; node++)
        {
            windows[node]?.Dispose();
            windows[node] = null;
        }

        ReleaseSources();
        rectangle?.Dispose();
        rectangle = null;
    }
}
