namespace StreamingCnn.Imaging.DataSets;

/// <summary>One labelled image of a data set.</summary>
/// <param name="Path">Absolute path of the image.</param>
/// <param name="Label">Index of its class in <see cref="ImageDataSet.Classes"/>; -1 where the labels are numbers.</param>
/// <param name="Targets">
/// The numbers of the label columns: one for regression, several 0/1 for multi-label, empty for classes and for masks. Of columns of
/// different kinds a number each, for a class its index in <see cref="ImageDataSet.ColumnClasses"/>, and NaN where nothing stands.
/// </param>
public sealed record ImageItem(string Path, int Label, IReadOnlyList<double> Targets)
{
    /// <summary>
    /// Absolute paths of further images of the same size that are read side by side with it, in the order of their columns.
    /// </summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<string> Further { get; init; } = [];

    /// <summary>Absolute path of the mask image, if the data set names one.</summary>
    public string? Mask { get; init; }

    /// <summary>The part of the data set, such as <c>train</c> or <c>test</c>, if it says so.</summary>
    public string? Split { get; init; }

    /// <summary>Size of a pixel in micrometres, if the data set says so.</summary>
    public double? MicrometresPerPixel { get; init; }

    /// <summary>
    /// What the image belongs to, such as a patient, if the data set says so: images of one group depend on each other.
    /// </summary>
    public string? Group { get; init; }

    /// <summary>How much it counts in learning, where 1 is once.</summary>
    /// <value>The default value is 1.</value>
    public double Weight { get; init; } = 1;

    /// <summary>The fold of a cross-validation, from 1, if the data set says so.</summary>
    public int? Fold { get; init; }

    /// <summary>Line of the table that lists it, from 1; 0 where there is no table.</summary>
    public int Line { get; init; }
}
