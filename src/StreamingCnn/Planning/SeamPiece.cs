using StreamingCnn.Geometry;

namespace StreamingCnn.Planning;

/// <summary>A rectangle of a map that stands in a seam.</summary>
/// <param name="Seam">The seam.</param>
/// <param name="Region">The rectangle.</param>
/// <param name="Held">All that the seam holds.</param>
internal readonly record struct SeamPiece(SeamKey Seam, Region Region, Region Held);
