using StreamingCnn.Reductions;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Stages;

/// <summary>A run's small tensors and reductions, as layers use them tile by tile.</summary>
internal interface IRunQuantities
{
    /// <summary>A small tensor, in the type of the maps' parameters. It may not be changed.</summary>
    Tensor Value(int small);

    /// <summary>Adds to a small tensor's gradient.</summary>
    /// <param name="small">Index of the small tensor.</param>
    /// <param name="gradient">Of its shape; the caller keeps it.</param>
    void AddGradient(int small, Tensor gradient);

    /// <summary>A reduction's sums.</summary>
    ReductionRun Sums(int reduction);

    /// <summary>The gradients of a reduction's results, null for none.</summary>
    IReadOnlyList<Tensor?> ResultGradients(int reduction);
}
