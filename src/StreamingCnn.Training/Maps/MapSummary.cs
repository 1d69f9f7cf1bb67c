using StreamingCnn.Imaging.Maps;

namespace StreamingCnn.Training.Maps;

/// <summary>What a map of classes holds.</summary>
/// <param name="Classes">Of each class, in the order of their numbers.</param>
/// <param name="Regions">The regions without their outlines, where they were asked for.</param>
/// <param name="Files">The files that were written.</param>
public sealed record MapSummary(IReadOnlyList<ClassSummary> Classes, IReadOnlyList<MapRegion> Regions, IReadOnlyList<string> Files)
{
    /// <summary>Positions at which the image has no data; they are of no class.</summary>
    public long NoData { get; init; }
}

/// <summary>How much there is of a class.</summary>
/// <param name="Class">The class.</param>
/// <param name="Positions">Positions of the map.</param>
/// <param name="Share">Their share of the positions that have data.</param>
/// <param name="SquareMicrometres">Their area; null when the image's resolution is not known.</param>
/// <param name="Regions">Connected regions; 0 for the first class, the background, which is not divided into regions.</param>
public sealed record ClassSummary(MapClass Class, long Positions, double Share, double? SquareMicrometres, long Regions);
