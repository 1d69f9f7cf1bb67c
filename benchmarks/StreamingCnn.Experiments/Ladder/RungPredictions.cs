namespace StreamingCnn.Experiments.Ladder;

/// <summary>Answers for the images of a test part, in its order.</summary>
/// <param name="Labels">What is true.</param>
/// <param name="Predicted">The class that was predicted.</param>
/// <param name="Scores">Probability of the positive class where there are two, otherwise null.</param>
/// <param name="Positive">The last class, which is the positive one of two.</param>
internal sealed record RungPredictions(
    IReadOnlyList<string> Labels, IReadOnlyList<string> Predicted, IReadOnlyList<double>? Scores, string Positive);
