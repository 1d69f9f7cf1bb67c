namespace StreamingCnn.Geometry;

/// <summary>Neighbouring outputs of an attention along one axis that are computed at once, and the positions that they look at.</summary>
/// <param name="Queries">The outputs.</param>
/// <param name="Keys">The positions; some may lie in the padding behind the map.</param>
public readonly record struct AttentionBlock(Interval Queries, Interval Keys);
