namespace StreamingCnn.Cli.Input;

/// <summary>How much classes count in learning.</summary>
/// <param name="Numbers">For each class; null for what makes all count the same in sum.</param>
internal sealed record ClassWeighting(IReadOnlyList<double>? Numbers);
