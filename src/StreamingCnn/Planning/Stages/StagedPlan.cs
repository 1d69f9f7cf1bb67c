using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;

namespace StreamingCnn.Planning.Stages;

/// <summary>A stage and how its tiles run.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Step">The plan; null where the stage has no maps.</param>
internal sealed record StageStep(Stage Stage, StepPlan? Step);

/// <summary>How the stages of a network run, one after the other.</summary>
internal sealed class StagedPlan
{
    private readonly (long Height, long Width)[] sizes;

    private StagedPlan(StagedNetwork network, IReadOnlyList<StageStep> steps, (long Height, long Width)[] sizes) =>
        (Network, Steps, this.sizes) = (network, steps, sizes);

    /// <summary>The network.</summary>
    public StagedNetwork Network { get; }

    /// <summary>The stages.</summary>
    public IReadOnlyList<StageStep> Steps { get; }

    /// <summary>Size of a map of the network, where a stage makes or reads it.</summary>
    public (long Height, long Width) Size(int map) => sizes[map];

    /// <summary>The stage behind whose forward pass nobody reads a map any more.</summary>
    public int LastReader(int map) => Steps.Where(step => step.Stage.Sources.Contains(map)).Max(step => step.Stage.Index);

    /// <summary>Plans the stages, each for the sizes that the ones before it give.</summary>
    /// <param name="network">The network.</param>
    /// <param name="sources">Size of each of its sources.</param>
    /// <param name="streamed">A stage's graph as steps run it.</param>
    /// <param name="choose">Plans a stage: its graph, of which sources the gradient is wanted, and their sizes.</param>
    public static StagedPlan Of(
        StagedNetwork network,
        IReadOnlyList<(long Height, long Width)> sources,
        Func<NetworkGraph, NetworkGraph> streamed,
        Func<Stage, IReadOnlyList<bool>, IReadOnlyList<(long Height, long Width)>, StepPlan> choose)
    {
        var sizes = new (long Height, long Width)[network.Network.Maps.Count];
        for (var source = 0; source < sources.Count; source++)
            sizes[source] = sources[source];
        var steps = new List<StageStep>();
        foreach (var written in network.Stages)
        {
            if (written.Graph is null)
            {
                steps.Add(new(written, null));
                continue;
            }

            var stage = written with { Graph = streamed(written.Graph) };
            var plan = choose(
                stage,
                [.. stage.Sources.Select(network.Differentiable.NeedsMap)],
                [.. stage.Sources.Select(source => sizes[source])]);
            foreach (var (output, node) in stage.Outputs.Zip(stage.Graph!.Outputs))
            {
                if (output.Map >= 0)
                    sizes[output.Map] = plan.Grid.Size(node);
            }

            steps.Add(new(stage, plan));
        }

        return new(network, steps, sizes);
    }
}
