using StreamingCnn.Imaging.Maps;

namespace StreamingCnn.Training.Maps;

/// <summary>Which files are made of a map of classes, and how.</summary>
public sealed record MapFilesOptions
{
    /// <summary>Whether the map of classes is written, NAME.classes.tif.</summary>
    public bool ClassMap { get; init; }

    /// <summary>Type of the numbers of NAME.probabilities.tif; null to write none.</summary>
    public MapSamples? Probabilities { get; init; }

    /// <summary>Whether outlines are written, NAME.polygons.geojson.</summary>
    public bool Polygons { get; init; }

    /// <summary>Whether outlines have coordinates of the image's map, rather than pixels of the image file.</summary>
    public bool InMap { get; init; }

    /// <summary>Whether a picture for people is written, NAME.overlay.png.</summary>
    public bool Overlay { get; init; }

    /// <summary>Whether <see cref="MapSummary.Regions"/> is filled.</summary>
    public bool ListRegions { get; init; }

    /// <summary>Positions of the smallest regions that are counted and outlined.</summary>
    public double LeastArea { get; init; }

    /// <summary>The least probability of the classes behind the first; null for the largest score.</summary>
    public double? Threshold { get; init; }

    /// <summary>Views of the image whose probabilities are averaged.</summary>
    /// <value>The default value is <see cref="MapAverage.None"/>: the map is that of the image alone.</value>
    public MapAverage Average { get; init; }

    /// <summary>Greatest height and width of the picture without its legend.</summary>
    /// <value>The default value is 1600.</value>
    public int OverlaySide { get; init; } = 1600;
}
