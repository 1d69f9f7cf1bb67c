namespace StreamingCnn.Interop.Weights;

/// <summary>What <see cref="WeightFile.Load"/> took from a file.</summary>
/// <param name="Entry">
/// The dictionary of a checkpoint in which the weights were, such as <c>state_dict</c>; "" where the file holds nothing
/// but weights.
/// </param>
/// <param name="Prefix">The beginning that was taken off the names, such as <c>module.</c>; "" for none.</param>
/// <param name="Unused">The names beside the weights, as the file spells them, that the module has no use for.</param>
public sealed record LoadedWeights(string Entry, string Prefix, IReadOnlyList<string> Unused);
