using StreamingCnn.Execution.Split;
using StreamingCnn.Graph;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Programs;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// The way of an image, or of several sources, through the network: forwards in the plan's order without autograd, leaving strips;
/// backwards in exactly the reverse order, each tile computed again and differentiated. This is backpropagation through time over a
/// two-dimensional recurrence.
/// </summary>
internal sealed class StreamedRun : IDifferentiableRun
{
    /// <summary>What is said to a second backward pass.</summary>
    public const string HasRunBackwards =
        "The streamed trunk's backward pass has already run, and what it needed is freed; call forward again for another one.";

    private readonly StepPlan step;
    private readonly RunPrograms programs;
    private readonly RunContext run;
    private readonly ParameterSnapshot snapshot;
    private readonly Dictionary<(int Row, int Column), TileTape> tapes = [];
    private bool isReversed;
    private long pressure;
    private readonly HeapExpectation? expected;
    private readonly SeamExchange? others;

    /// <param name="step">The plan.</param>
    /// <param name="sources">The sources; they belong to the run.</param>
    /// <param name="settings">How they are run.</param>
    public StreamedRun(StepPlan step, SourceSet sources, RunSettings settings)
    {
        this.step = step;
        programs = new RunPrograms(step, settings.Wanted);
        run = new RunContext(programs.Grid, sources, new DifferentiablePart(Graph, sources.Wanted), settings, IsReadAgain);
        snapshot = ParameterSnapshot.Of(step.Grid.Graph);
        expected = settings.HeapBytes > 0 ? new(settings.HeapBytes) : null;
        others = step.Shared is { Stripes: var stripes } ? new(settings.Ranks!, step.Grid, stripes, run) : null;
    }

    /// <inheritdoc/>
    public int Outputs => Graph.Outputs.Count;

    /// <summary>The most bytes of carry held so far.</summary>
    public long PeakCarryBytes => run.Carried.PeakBytes;

    /// <summary>Bytes of carry held at present.</summary>
    public long CarryBytes => run.Carried.Bytes;

    private NetworkGraph Graph => step.Grid.Graph;

    /// <inheritdoc/>
    public void Forward(IReadOnlyList<IMapSink> sinks, IProgress<TileProgress>? progress)
    {
        using var grad = no_grad();
        using var time = run.Settings.Profile.Measure(StepPart.Engine);
        foreach (var (node, sink) in Graph.Outputs.Zip(sinks))
        {
            var (height, width) = step.Grid.Size(node);
            sink.Begin(run.Sources.Batch, Graph.Nodes[node].Channels, height, width);
        }

        run.Sinks = sinks;
        var machine = new TileMachine(run);
        var (tiles, done) = (programs.Tiles, 0);
        var program = tiles.Count > 0 ? Program(tiles[0]) : null;
        foreach (var tile in step.Grid.Order())
        {
            WriteElsewhere(tile, sinks);
            if (!programs.Runs(tile))
            {
                run.Carried.EndForward(tile);
                continue;
            }

            var tape = new TileTape(Graph.Nodes.Count);
            if (run.Settings.WillReverse)
                tapes.Add(tile, tape);
            var next = ++done < tiles.Count ? Program(tiles[done]) : null;
            others?.BeginForward(tile);
            Begin(tile, program!, next is null ? null : (tiles[done], next));
            machine.Run(program!, tile, tape);
            others?.EndForward(tile);
            run.Carried.EndForward(tile);
            progress?.Report(new(TilePass.Forward, done, tiles.Count));
            program = next;
        }

        others?.Finish();
        Press(run.Carried.Bytes);

        TileProgram Program((int Row, int Column) tile) => programs.Forward(tile, run.Settings.WillReverse);
    }

    /// <inheritdoc/>
    public (Tensor?[] Sources, Tensor?[] Parameters) Backward(IReadOnlyList<Tensor?> gradients, IProgress<TileProgress>? progress)
    {
        var incoming = TensorSource.Of(gradients);
        try
        {
            return Backward(incoming, progress);
        }
        finally
        {
            foreach (var gradient in incoming)
                gradient?.Dispose();
        }
    }

    /// <summary>Runs backwards, with gradients that are read window by window.</summary>
    /// <inheritdoc cref="IDifferentiableRun.Backward"/>
    /// <param name="gradients">The gradient of each output, null for none.</param>
    /// <param name="progress">Told of every tile.</param>
    /// <param name="moved">Which positions of the outputs have a gradient; null for all.</param>
    public (Tensor?[] Sources, Tensor?[] Parameters) Backward(
        IReadOnlyList<MapSource?> gradients, IProgress<TileProgress>? progress, WantedOutputs? moved = null)
    {
        if (isReversed)
            throw new InvalidOperationException(HasRunBackwards);
        isReversed = true;
        snapshot.CheckUnchanged();
        run.Sources.CheckUnchanged();

        using var grad = no_grad();
        using var time = run.Settings.Profile.Measure(StepPart.Engine);
        using var scope = NewDisposeScope();
        using var parameters = new ParameterGradients(run.Settings.Profile);
        using var strips = new SeamGradients(run.Plan, run.Settings, run.Settings.SeamGradients ?? new DeviceSeams());
        using var sources = new SourceGradients(run.Plan, run.Sources);
        run.Backward = new(gradients, strips, sources, parameters);
        var machine = new TileMachine(run);
        var tiles = programs.TilesMovedBy(moved);
        var left = tiles.Count;
        var program = left > 0 ? programs.Backward(tiles[^1]) : null;
        foreach (var tile in step.Grid.Order().Reverse())
        {
            var runs = left > 0 && tile == tiles[left - 1];
            tapes.Remove(tile, out var tape);
            using (tape)
            {
                if (runs)
                {
                    var next = --left > 0 ? programs.Backward(tiles[left - 1]) : null;
                    others?.BeginBackward(tile, strips);
                    Begin(tile, program!, next is null ? null : (tiles[left - 1], next));
                    machine.Run(program!, tile, tape!);
                    program = next;
                }
                else
                {
                    run.Carried.EndRecomputation(tile);
                }
            }

            others?.EndBackward(tile, strips);
            strips.End(tile);
            sources.End(tile);
            if (runs)
                progress?.Report(new(TilePass.Backward, tiles.Count - left, tiles.Count));
        }

        others?.Finish();
        run.Layers.Finish(parameters);
        var reached = Graph.Reached(output => gradients[output] is not null);
        var behind = Graph.Layers.Where(node => reached[node.Index])
            .SelectMany(node => node.Layer!.Parameters)
            .Select(parameter => parameter.Handle)
            .ToHashSet();
        return (
            sources.Take(source => reached[source]),
            [.. Graph.Parameters.Select(parameter => parameters.Take(parameter, zeroIfMissing: behind.Contains(parameter.Handle)))]);
    }

    /// <summary>Frees the carry and lets go of the sources.</summary>
    public void Dispose()
    {
        foreach (var tape in tapes.Values)
            tape.Dispose();
        tapes.Clear();
        run.Dispose();
        expected?.Dispose();
        Press(0);
        GC.SuppressFinalize(this);
    }

    /// <summary>Hands out what is known of a tile's outputs without being computed.</summary>
    private void WriteElsewhere((int Row, int Column) tile, IReadOnlyList<IMapSink> sinks)
    {
        foreach (var (output, elsewhere) in run.Settings.Elsewhere.Index())
        {
            if (elsewhere is not { } value)
                continue;
            var node = Graph.Outputs[output];
            var computed = programs.Grid.Owned(node, tile.Row, tile.Column);
            foreach (var part in step.Grid.Owned(node, tile.Row, tile.Column).Around(computed))
            {
                using var scope = NewDisposeScope();
                using Scalar number = value;
                var one = full([1, 1, 1, 1], number, dtype: run.Sources.Type, device: run.Sources.Device);
                sinks[output].Write(
                    part.Rows.Start,
                    part.Columns.Start,
                    one.expand(run.Sources.Batch, Graph.Nodes[node].Channels, part.Rows.Length, part.Columns.Length));
            }
        }
    }

    /// <summary>Before a tile: asks for what it and the next one read.</summary>
    private void Begin((int Row, int Column) tile, TileProgram program, ((int Row, int Column) Tile, TileProgram Program)? next)
    {
        run.Carried.Begin(tile, program, next);
        if (next is var (place, other))
            run.Prefetch(place, other);
    }

    /// <summary>Whether the backward pass reads strips of a map once more, to compute what was not kept.</summary>
    private bool IsReadAgain(int map) => run.Settings.WillReverse && step.Grid.IsReadBefore(map, step.Kept.Cut);

    /// <summary>Only the pressure is undone here; tensors that nobody disposed free themselves.</summary>
    ~StreamedRun() => Press(0);

    /// <summary>
    /// Tells the garbage collector of the native memory that waits for a backward pass, so that it looks for runs whose backward pass never
    /// comes.
    /// </summary>
    private void Press(long bytes)
    {
        if (pressure > 0)
            GC.RemoveMemoryPressure(pressure);
        if (bytes > 0)
            GC.AddMemoryPressure(bytes);
        pressure = bytes;
    }
}
