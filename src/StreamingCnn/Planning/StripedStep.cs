namespace StreamingCnn.Planning;

/// <summary>How several processes share the tiles of a step. The same on every process, so that all decide alike.</summary>
/// <param name="Stripes">Who runs which columns of tiles.</param>
/// <param name="Kept">What the process with most columns keeps from the forward pass.</param>
/// <param name="Time">The time of a step over that of the widest stripe by itself.</param>
internal sealed record StripedStep(Stripes Stripes, KeptLayers Kept, double Time);
