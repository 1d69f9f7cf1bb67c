using StreamingCnn.Graph;

namespace StreamingCnn.Planning.Stages;

/// <summary>What the planner of stages has to know of a step's arithmetic and place.</summary>
/// <param name="Of">What a step of a stage costs, and of which of its sources the gradient is wanted.</param>
/// <param name="ValueBytes">Bytes of a map's value in every image of the batch.</param>
/// <param name="GradientBytes">The same of the gradient of a map that waits.</param>
/// <param name="IsElsewhere">Whether what waits in a place is elsewhere than in the memory that is counted.</param>
/// <param name="Passes">What runs.</param>
internal sealed record StageCosts(
    Func<NetworkGraph, IReadOnlyList<bool>, TrunkCost> Of,
    long ValueBytes,
    long GradientBytes,
    Func<CarryPlace, bool> IsElsewhere,
    Passes Passes = Passes.Both);
