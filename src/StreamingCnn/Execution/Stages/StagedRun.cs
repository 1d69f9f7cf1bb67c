using StreamingCnn.Execution.Split;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Interop;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Stages;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>
/// The way of an image through a network with global quantities: one streamed run for each stage, small tensors in between. Backwards the
/// stages come in reverse, each with the gradients that later ones gave of the maps between them, and each position's share of the
/// reductions'.
/// </summary>
internal sealed class StagedRun : IDifferentiableRun
{
    private readonly StagedPlan plan;
    private readonly SourceSet sources;
    private readonly RunSettings settings;
    private readonly Func<GridPlan, bool, ISeamStore?> seams;
    private readonly SmallTensors smalls;
    private readonly StreamedRun?[] runs;
    private readonly BoundaryMaps maps;
    private readonly SourceSums gradients;
    private readonly HeapExpectation? expected;

    // What other processes hold of the maps between stages; null where this one holds all.
    private readonly MapExchange? others;

    // Images of other processes that batch norms look at as well; null for none.
    private readonly PeerImages? peers;

    private bool[] reached = [];
    private bool isReversed;

    /// <param name="plan">The plan.</param>
    /// <param name="sources">The sources; they belong to the run.</param>
    /// <param name="settings">How the stages are run.</param>
    /// <param name="shelf">Where maps wait between stages; it belongs to the run.</param>
    /// <param name="seams">
    /// Makes a stage's store of seams, where a backward pass may follow or not; null for the device that computes.
    /// </param>
    public StagedRun(StagedPlan plan, SourceSet sources, RunSettings settings, IMapShelf shelf, Func<GridPlan, bool, ISeamStore?> seams)
    {
        (this.plan, this.sources, this.seams) = (plan, sources, seams);
        peers = settings.Peers is { } all ? new(all, sources.Device) : null;
        smalls = new SmallTensors(
            Network, plan.Network.Differentiable, sources.Type, sources.Device, settings.WillReverse, settings.Ranks, peers);
        this.settings = settings with { Quantities = smalls };
        runs = new StreamedRun?[plan.Steps.Count];
        maps = new BoundaryMaps(shelf, Network.Maps.Count, settings.MapType, sources.Type, sources.Device, settings.Format);
        others = settings.Ranks is { } ranks ? new(plan, ranks, sources.Batch, settings.MapType, sources.Type) : null;
        gradients = new SourceSums(plan, sources, maps);
        Parameters = Network.Parameters;
        expected = sources.Device.type == DeviceType.CPU ? new(plan.HeapBytes) : null;
    }

    /// <inheritdoc/>
    public int Outputs => Network.Outputs.Count;

    /// <summary>The parameters whose gradients the backward pass gives, in this order.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    private TracedNetwork Network => plan.Network.Network;

    /// <inheritdoc/>
    public Tensor? Small(int output) => Network.Outputs[output] is { IsSmall: true, Index: var index }
        ? smalls.Value(index).to(sources.Type, copy: true)
        : null;

    /// <inheritdoc/>
    public void Forward(IReadOnlyList<IMapSink> sinks, IProgress<TileProgress>? progress)
    {
        var told = new StageProgress(progress, TilePass.Forward, plan.Steps);
        peers?.Begin(
            sources.Batch,
            [.. plan.Steps.SelectMany(step => step.Stage.Smalls).Where(small => Network.Smalls[small].Function!.ReadsAllImages)]);
        foreach (var (stage, step) in plan.Steps)
        {
            smalls.Evaluate(stage.Smalls);
            if (step is not null)
                Forward(stage, step, sinks, told);
            foreach (var reduction in stage.Reductions)
                smalls.Finish(reduction);
            if (!settings.WillReverse)
                maps.Forget(map => maps.Has(map) && plan.LastReader(map) <= stage.Index);
        }

        smalls.Evaluate(plan.Network.SmallsBehind);
        foreach (var (output, sink) in sinks.Index())
            Write(output, sink);
        using (no_grad())
            smalls.TakeEffect();
    }

    /// <inheritdoc/>
    public (Tensor?[] Sources, Tensor?[] Parameters) Backward(IReadOnlyList<Tensor?> outputs, IProgress<TileProgress>? progress)
    {
        if (isReversed)
            throw new InvalidOperationException(StreamedRun.HasRunBackwards);
        isReversed = true;
        using var scope = NewDisposeScope();
        using var parameters = new ParameterGradients(settings.Profile);
        foreach (var (output, gradient) in Network.Outputs.Zip(outputs))
        {
            if (output.IsSmall && gradient is not null)
                smalls.AddGradient(output.Index, gradient);
        }

        // Small tensors are every process's: what they give of parameters is counted once.
        IGradientSink ofSmalls = settings.Ranks is { Rank: > 0 } ? new CountedElsewhere(parameters) : parameters;
        smalls.Backpropagate(plan.Network.SmallsBehind, ofSmalls);
        var told = new StageProgress(progress, TilePass.Backward, plan.Steps.Where(step => runs[step.Stage.Index] is not null));
        foreach (var (stage, step) in plan.Steps.Reverse())
        {
            if (step is not null && runs[stage.Index] is { } run)
                Backward(stage, run, step, outputs, parameters, told);
            smalls.Backpropagate(stage.Smalls, ofSmalls);
            maps.Forget(map => !Network.Maps[map].IsSource && plan.Network.StageOf(map) >= stage.Index);
        }

        gradients.HandOut();
        return (
            [.. sources.Wanted.Select((isWanted, source) => isWanted ? gradients.Take(source) : null)],
            [.. Parameters.Select(parameter => parameters.Take(parameter, zeroIfMissing: false))]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var run in runs)
            run?.Dispose();
        gradients.Dispose();
        maps.Dispose();
        smalls.Dispose();
        sources.Dispose();
        expected?.Dispose();
    }

    private void Forward(Stage stage, StepPlan step, IReadOnlyList<IMapSink> sinks, StageProgress progress)
    {
        foreach (var reduction in stage.Reductions)
            smalls.Begin(reduction, sources.Batch, SizeOfOperand(stage, step, reduction));
        var willReverse = WillReverse(stage);
        var counted = settings.Ranks is null ? CountedPositions.Of(plan.Network, stage, step.Grid.Graph, sources) : null;
        var run = new StreamedRun(
            step,
            new SourceSet([.. stage.Sources.Select(Source)]),
            settings with
            {
                WillReverse = willReverse,
                Seams = seams(step.Grid, willReverse),
                Wanted = counted is null ? null : counted.Wanted,
                Elsewhere = counted?.Elsewhere ?? [],
            });
        runs[stage.Index] = run;
        run.Forward([.. stage.Outputs.Select(Sink)], progress.Of(step));
        others?.Receive(stage, step, maps.Write);
        foreach (var output in stage.Outputs.Where(output => output.IsBoundary))
            maps.Complete(output.Map);
        if (!willReverse)
        {
            run.Dispose();
            runs[stage.Index] = null;
        }

        SharedSink Sink(StageOutput output, int place)
        {
            var all = new List<IMapSink>();
            if (output.IsBoundary)
            {
                all.Add(maps.Begin(output.Map, Shape(output.Map, plan.Size(output.Map)), others?.Held(output.Map)));
                if (others is not null)
                    all.Add(others.Sender(place, output.Map));
            }

            all.AddRange(output.Taps.Select(tap => new ReductionTap(smalls.Sums(tap))));
            all.AddRange(output.NetworkOutputs.Select(index => sinks[index]));
            return new SharedSink(all);
        }
    }

    /// <summary>Whether the backward pass comes to a stage: not where nothing in it learns, as in a trunk that is left as it is.</summary>
    private bool WillReverse(Stage stage)
    {
        var differentiable = plan.Network.Differentiable;
        return settings.WillReverse && stage.Outputs.Any(output => output.Map >= 0
            ? differentiable.NeedsMap(output.Map)
            : Network.Reductions[output.Reduction].Operands.Any(differentiable.NeedsMap));
    }

    private void Backward(
        Stage stage,
        StreamedRun run,
        StepPlan step,
        IReadOnlyList<Tensor?> outputs,
        ParameterGradients parameters,
        StageProgress progress)
    {
        var incoming = stage.Outputs
            .Select((output, index) => Gradient(output, step.Grid.Size(step.Grid.Graph.Outputs[index]), outputs)).ToArray();
        try
        {
            reached = step.Grid.Graph.Reached(output => incoming[output] is not null);
            smalls.Expect(step.Grid.Graph, reached);
            var (ofSources, ofParameters) = run.Backward(
                incoming, progress.Of(step), settings.Ranks is null ? MovedPositions.Of(stage, incoming, smalls) : null);
            smalls.Gather();
            foreach (var (parameter, gradient) in step.Grid.Graph.Parameters.Zip(ofParameters))
            {
                if (gradient is not null)
                    parameters.AddSum(parameter, gradient);
            }

            foreach (var (source, gradient) in stage.Sources.Zip(ofSources))
                gradients.Add(source, gradient);
        }
        finally
        {
            foreach (var gradient in incoming)
                gradient?.Dispose();
            run.Dispose();
            runs[stage.Index] = null;
        }
    }

    /// <summary>Where the gradient of a stage's output comes from; null where there is none.</summary>
    private MapSource? Gradient(StageOutput output, (long Height, long Width) size, IReadOnlyList<Tensor?> outputs)
    {
        if (output.Map < 0)
        {
            return smalls.HasGradient(output.Reduction)
                ? new ZeroGradient(sources.Batch, 0, size.Height, size.Width, sources.Type, sources.Device)
                : null;
        }

        var parts = output.NetworkOutputs.Select(index => outputs[index]).OfType<Tensor>()
            .Select(gradient => (MapSource)new TensorSource(gradient, sources.Type, sources.Device)).ToList();
        var waiting = maps.TakeGradient(output.Map);
        if (output.IsBoundary && others is not null)
            waiting = others.Home(output.Map, waiting, () => Zeros(output.Map, size));
        if (waiting is not null)
            parts.Add(waiting);
        int[] taps = [.. output.Taps.Where(smalls.HasGradient)];
        if (parts.Count == 0 && taps.Length == 0)
            return null;
        var map = taps.Length > 0 ? maps.Values(output.Map) : null;
        return new SummedGradient(map, parts, taps, smalls, map ?? parts[0]);
    }

    private ZeroGradient Zeros(int map, (long Height, long Width) size) => new(
        sources.Batch, Network.Maps[map].Channels, size.Height, size.Width, sources.Type, sources.Device);

    private MapSource Source(int map, int place)
    {
        var isWanted = settings.WillReverse && plan.Network.Differentiable.NeedsMap(map);
        return maps.Has(map)
            ? maps.Source(map, isWanted, () => reached[place])
            : new SharedSource(sources[map])
            {
                GradientIsWanted = isWanted,
                GradientRows = isWanted ? gradients.Rows(map, () => reached[place]) : null
            };
    }

    private MapShape Shape(int map, (long Height, long Width) size) =>
        new(sources.Batch, Network.Maps[map].Channels, size.Height, size.Width);

    private static (long Height, long Width) SizeOfOperand(Stage stage, StepPlan step, int reduction)
    {
        var output = stage.Outputs.Index()
            .First(output => output.Item.Reductions.Contains(reduction)).Index;
        return step.Grid.Size(step.Grid.Graph.Outputs[output]);
    }

    private void Write(int output, IMapSink sink)
    {
        if (Small(output) is not { } small)
            return;
        using (small)
        using (var map = small.Dimensions == 4 ? small.alias() : small.reshape(small.shape[0], -1, 1, 1))
        {
            sink.Begin(map.shape[0], map.shape[1], map.shape[2], map.shape[3]);
            sink.Write(0, 0, map);
        }
    }
}
