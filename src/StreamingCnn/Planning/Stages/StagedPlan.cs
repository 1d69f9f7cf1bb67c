using StreamingCnn.Graph.Stages;

namespace StreamingCnn.Planning.Stages;

/// <summary>A stage and how its tiles run.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Step">The plan; null where the stage has no maps.</param>
internal sealed record StageStep(Stage Stage, StepPlan? Step)
{
    /// <summary>What it costs besides; null where the stage has no maps.</summary>
    public StageCost? Cost { get; init; }

    /// <summary>Bytes of a step while the stage runs.</summary>
    public long Bytes { get; init; }

    /// <summary>Bytes that the stages before it leave for their backward pass.</summary>
    public long BytesBefore { get; init; }
}

/// <summary>How the stages of a network run, one after the other.</summary>
/// <param name="stages">The stages.</param>
/// <param name="steps">Their plans.</param>
/// <param name="place">Where maps wait between them.</param>
/// <param name="keepsAll">Whether every record of every stage is kept from the forward pass.</param>
internal sealed class StagedPlan(SizedStages stages, IReadOnlyList<StageStep> steps, CarryPlace place, bool keepsAll)
{
    /// <summary>The network.</summary>
    public StagedNetwork Network => stages.Network;

    /// <summary>The stages as they are, without how they run.</summary>
    public SizedStages Stages => stages;

    /// <summary>The stages.</summary>
    public IReadOnlyList<StageStep> Steps => steps;

    /// <summary>Where maps wait between stages.</summary>
    public CarryPlace Place => place;

    /// <summary>Whether every record of every stage is kept from the forward pass.</summary>
    public bool KeepsAll => keepsAll;

    /// <summary>Bytes of a step.</summary>
    public long Bytes => Math.Max(EndBytes, steps.Max(step => step.Bytes));

    /// <summary>Bytes at a step's very end.</summary>
    public required long EndBytes { get; init; }

    /// <summary>Bytes of tensors that a step has alive at most, besides the parameters, which are there before it.</summary>
    public long HeapBytes => Bytes - Network.Network.ParameterBytes + Network.Network.GradientBytes;

    /// <summary>
    /// Bytes of waiting maps that may be on their way to where they wait, and as many on their way back; null where they wait on the
    /// device.
    /// </summary>
    public long? OnTheWay => steps.First(step => step.Cost is not null).Cost!.OnTheWay;

    /// <summary>Size of a map of the network, where a stage makes or reads it.</summary>
    public (long Height, long Width) Size(int map) => stages.Size(map);

    /// <summary>The stage behind whose forward pass nobody reads a map any more.</summary>
    public int LastReader(int map) => stages.LastReader(map);

    /// <summary>The same for a network with the same structure and geometry.</summary>
    public StagedPlan Over(SizedStages others)
    {
        var same = others.With(Network.Waiting);
        return new(
            same,
            [.. steps.Zip(same.Stages, (step, stage) => step with { Stage = stage, Step = step.Step?.Over(stage.Graph!) })],
            place,
            keepsAll)
        {
            EndBytes = EndBytes,
        };
    }
}
