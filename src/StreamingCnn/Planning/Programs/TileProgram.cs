namespace StreamingCnn.Planning.Programs;

/// <summary>
/// What all tiles of a kind do, in one direction: the one description that is executed with tensors, counted in bytes and in seconds, and
/// printed.
/// </summary>
/// <param name="Example">A tile of the kind.</param>
/// <param name="Instructions">What it does, one after the other.</param>
internal sealed record TileProgram(TileLayout Example, IReadOnlyList<Instruction> Instructions);
