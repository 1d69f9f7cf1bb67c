namespace StreamingCnn.Training.Data;

/// <summary>One fold of a cross-validation: the images that are judged by in the end, while the others are learned from.</summary>
/// <param name="Number">Which, from 1.</param>
/// <param name="Count">How many folds there are, at least 2.</param>
public sealed record FoldChoice(int Number, int Count);
