namespace StreamingCnn.Cli.Verification;

/// <summary>How far one tensor of the streamed run is from the whole image's.</summary>
/// <param name="Name">output, image gradient, or the parameter's name.</param>
/// <param name="Absolute">The largest difference.</param>
/// <param name="Relative">The largest difference over the largest entry of the reference.</param>
/// <param name="WholeRelative">The same for the whole-image run, where the reference is of higher precision; else 0.</param>
internal readonly record struct TensorDifference(string Name, double Absolute, double Relative, double WholeRelative);

/// <summary>What one arm cost.</summary>
/// <param name="Time">Forward and backward.</param>
/// <param name="PeakBytes">The process's peak resident memory meanwhile; 0 where it cannot be told.</param>
internal readonly record struct ArmCost(TimeSpan Time, long PeakBytes);

/// <summary>The outcome of a comparison of a streamed run with the whole image's.</summary>
/// <param name="Tensors">Output, image gradient and every parameter's gradient.</param>
/// <param name="Whole">What the whole image cost.</param>
/// <param name="Streamed">What the streamed run cost.</param>
/// <param name="Allowed">The largest relative difference that passes.</param>
/// <param name="Criterion">In words.</param>
internal sealed record VerificationReport(
    IReadOnlyList<TensorDifference> Tensors, ArmCost Whole, ArmCost Streamed, double Allowed, string Criterion)
{
    public double Worst => Tensors.Max(t => t.Relative);

    /// <summary>Not a number is not a pass.</summary>
    public bool Passed => Tensors.All(t => t.Relative <= Allowed);
}
