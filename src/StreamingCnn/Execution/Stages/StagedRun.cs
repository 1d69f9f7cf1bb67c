using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Stages;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Stages;

/// <summary>
/// The way of an image through a network with global quantities: one streamed run for each stage, small tensors in between. Backwards the
/// stages come in reverse, each with the gradients that later ones
/// gave of the maps between them, and each position's share of the reductions'.
/// </summary>
internal sealed class StagedRun : IDifferentiableRun
{
    private readonly StagedPlan plan;
    private readonly SourceSet sources;
    private readonly RunSettings settings;
    private readonly Func<GridPlan, ISeamStore?> seams;
    private readonly SmallTensors smalls;
    private readonly StreamedRun?[] runs;
    private readonly Tensor?[] boundaries;
    private readonly Tensor?[] gradients;

    /// <param name="plan">The plan.</param>
    /// <param name="sources">The sources; they belong to the run.</param>
    /// <param name="settings">How the stages are run.</param>
    /// <param name="seams">Makes a stage's store of seams; null for the device that computes.</param>
    public StagedRun(StagedPlan plan, SourceSet sources, RunSettings settings, Func<GridPlan, ISeamStore?> seams)
    {
        (this.plan, this.sources, this.seams) = (plan, sources, seams);
        smalls = new SmallTensors(Network, plan.Network.Differentiable, sources.Type, sources.Device, settings.WillReverse);
        this.settings = settings with { Quantities = smalls };
        runs = new StreamedRun?[plan.Steps.Count];
        (boundaries, gradients) = (new Tensor?[Network.Maps.Count], new Tensor?[Network.Maps.Count]);
        Parameters = Network.Parameters;
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
        var told = new StageProgress(progress, TilePass.Forward, plan);
        foreach (var (stage, step) in plan.Steps)
        {
            smalls.Evaluate(stage.Smalls);
            if (step is not null)
                Forward(stage, step, sinks, told);
            foreach (var reduction in stage.Reductions)
                smalls.Finish(reduction);
            if (!settings.WillReverse)
                Forget(map => plan.LastReader(map) <= stage.Index);
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
        using var scope = NewDisposeScope();
        using var parameters = new ParameterGradients(settings.Profile);
        foreach (var (output, gradient) in Network.Outputs.Zip(outputs))
        {
            if (output.IsSmall && gradient is not null)
                smalls.AddGradient(output.Index, gradient);
        }

        smalls.Backpropagate(plan.Network.SmallsBehind, parameters);
        var told = new StageProgress(progress, TilePass.Backward, plan);
        foreach (var (stage, step) in plan.Steps.Reverse())
        {
            if (step is not null)
                Backward(stage, step, outputs, parameters, told);
            smalls.Backpropagate(stage.Smalls, parameters);
            Forget(map => plan.Network.StageOf(map) >= stage.Index);
        }

        HandOut();
        return (
            [.. sources.Wanted.Select((isWanted, source) => isWanted ? Take(source) : null)],
            [.. Parameters.Select(parameter => parameters.Take(parameter, zeroIfMissing: false))]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var run in runs)
            run?.Dispose();
        foreach (var tensor in boundaries.Concat(gradients))
            tensor?.Dispose();
        Array.Clear(boundaries);
        Array.Clear(gradients);
        smalls.Dispose();
        sources.Dispose();
    }

    private void Forward(Stage stage, StepPlan step, IReadOnlyList<IMapSink> sinks, StageProgress progress)
    {
        foreach (var reduction in stage.Reductions)
            smalls.Begin(reduction, sources.Batch, SizeOfOperand(stage, step, reduction));
        var run = new StreamedRun(
            step, new SourceSet([.. stage.Sources.Select(Source)]), settings with { Seams = seams(step.Grid) });
        runs[stage.Index] = run;
        var kept = new List<(int Map, TensorSink Sink)>();
        try
        {
            run.Forward([.. stage.Outputs.Select(Sink)], progress.Of(step));
            foreach (var (map, sink) in kept)
                boundaries[map] = sink.Take().DetachFromDisposeScope();
        }
        catch
        {
            foreach (var (_, sink) in kept)
                sink.Dispose();
            throw;
        }

        if (!settings.WillReverse)
        {
            run.Dispose();
            runs[stage.Index] = null;
        }

        SharedSink Sink(StageOutput output)
        {
            var all = new List<IMapSink>();
            if (output.IsBoundary)
            {
                kept.Add((output.Map, new TensorSink()));
                all.Add(kept[^1].Sink);
            }

            all.AddRange(output.Taps.Select(tap => new ReductionTap(smalls.Sums(tap))));
            all.AddRange(output.NetworkOutputs.Select(index => sinks[index]));
            return new SharedSink(all);
        }
    }

    private void Backward(
        Stage stage, StepPlan step, IReadOnlyList<Tensor?> outputs, ParameterGradients parameters, StageProgress progress)
    {
        var run = runs[stage.Index]!;
        var incoming = stage.Outputs.Select((output, index) => Gradient(output, step.Grid.Size(step.Grid.Graph.Outputs[index]), outputs)).ToArray();
        try
        {
            var (ofSources, ofParameters) = run.Backward(incoming, progress.Of(step));
            foreach (var (parameter, gradient) in step.Grid.Graph.Parameters.Zip(ofParameters))
            {
                if (gradient is not null)
                    parameters.Add(parameter, gradient);
            }

            foreach (var (map, gradient) in stage.Sources.Zip(ofSources))
                Add(map, gradient);
        }
        finally
        {
            foreach (var gradient in incoming)
                gradient?.Dispose();
            run.Dispose();
            runs[stage.Index] = null;
        }
    }

    private void Add(int map, Tensor? gradient)
    {
        if (gradient is null)
            return;
        if (gradients[map] is not { } sum)
        {
            gradients[map] = gradient;
            return;
        }

        sum.add_(gradient);
        gradient.Dispose();
    }

    /// <summary>Where the gradient of a stage's output comes from; null where there is none.</summary>
    private MapSource? Gradient(StageOutput output, (long Height, long Width) size, IReadOnlyList<Tensor?> outputs)
    {
        if (output.Map < 0)
        {
            return smalls.HasGradient(output.Reduction)
                ? new EmptyGradient(sources.Batch, size.Height, size.Width, sources.Type, sources.Device)
                : null;
        }

        var parts = output.NetworkOutputs.Select(index => outputs[index]).Append(gradients[output.Map]).OfType<Tensor>()
            .Select(gradient => new TensorSource(gradient, sources.Type, sources.Device)).ToArray();
        int[] taps = [.. output.Taps.Where(smalls.HasGradient)];
        if (parts.Length == 0 && taps.Length == 0)
            return null;
        var map = boundaries[output.Map] is { } waiting ? new TensorSource(waiting, sources.Type, sources.Device) : null;
        return new SummedGradient(map, parts, taps, smalls, map ?? parts[0]);
    }

    private MapSource Source(int map)
    {
        var isWanted = settings.WillReverse && plan.Network.Differentiable.NeedsMap(map);
        return boundaries[map] is { } waiting
            ? new TensorSource(waiting, sources.Type, sources.Device) { GradientIsWanted = isWanted }
            : new SharedSource(sources[map]) { GradientIsWanted = isWanted };
    }

    private static (long Height, long Width) SizeOfOperand(Stage stage, StepPlan step, int reduction)
    {
        var output = stage.Outputs.Index().First(output => output.Item.Reduction == reduction || output.Item.Taps.Contains(reduction)).Index;
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

    private Tensor? Take(int source)
    {
        var gradient = gradients[source];
        gradients[source] = null;
        return gradient;
    }

    /// <summary>Hands out gradients of sources that are wanted in rows: several stages may have added to them.</summary>
    private void HandOut()
    {
        for (var source = 0; source < Network.Maps.Count && Network.Maps[source].IsSource; source++)
        {
            if (sources[source] is not { GradientIsWanted: true, GradientRows: { } rows })
                continue;
            using var whole = Take(source) ?? zeros(
                [sources.Batch, sources[source].Channels, sources[source].Height, sources[source].Width], dtype: sources.Type, device: sources.Device);
            rows(0, whole);
        }
    }

    private void Forget(Func<int, bool> isDone)
    {
        for (var map = 0; map < boundaries.Length; map++)
        {
            if (boundaries[map] is null || !isDone(map))
                continue;
            boundaries[map]?.Dispose();
            gradients[map]?.Dispose();
            (boundaries[map], gradients[map]) = (null, null);
        }
    }
}
