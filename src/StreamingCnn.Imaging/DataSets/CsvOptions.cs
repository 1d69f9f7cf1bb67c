namespace StreamingCnn.Imaging.DataSets;

/// <summary>What the label columns of a CSV file mean.</summary>
public enum LabelKind
{
    /// <summary>One column that names a class.</summary>
    Class,

    /// <summary>Several columns of 0 and 1, one per property.</summary>
    MultiLabel,

    /// <summary>Columns of numbers to predict.</summary>
    Regression,

    /// <summary>None: what is to be learned of each image is in its mask, the file in the column of masks.</summary>
    Mask,

    /// <summary>Columns of different kinds, as <see cref="CsvOptions.ColumnKinds"/> says.</summary>
    Mixed,

    /// <summary>None: what is to be learned of each image are numbers at each pixel, in the file in the column of masks.</summary>
    Map,
}

/// <summary>How a CSV file lists a data set.</summary>
public sealed record CsvOptions
{
    /// <summary>
    /// Column of the image path. <value>The default value is null: the first present of <c>image</c>, <c>path</c>, <c>file</c>.</value>
    /// </summary>
    public string? ImageColumn { get; init; }

    /// <summary>
    /// Columns of the paths of further images that are read side by side with the image, such as a template; an image may stand there in
    /// several lines.
    /// <value>The default value is none.</value>
    /// </summary>
    public IReadOnlyList<string> FurtherColumns { get; init; } = [];

    /// <summary>Label columns. <value>The default value is <c>label</c> alone.</value></summary>
    public IReadOnlyList<string> LabelColumns { get; init; } = ["label"];

    /// <summary>Meaning of the label columns. <value>The default value is <see cref="LabelKind.Class"/>.</value></summary>
    public LabelKind Labels { get; init; } = LabelKind.Class;

    /// <summary>
    /// Column of the path of the mask, or of the map of numbers; used when present, needed for <see cref="LabelKind.Mask"/> and
    /// <see cref="LabelKind.Map"/>. <value>The default value is <c>mask</c>.</value>
    /// </summary>
    public string MaskColumn { get; init; } = "mask";

    /// <summary>Whether what is to be learned of images is in files of their own, which <see cref="MaskColumn"/> names.</summary>
    internal bool IsInFiles => Labels is LabelKind.Mask or LabelKind.Map;

    /// <summary>Column of the part; used when present. <value>The default value is <c>split</c>.</value></summary>
    public string SplitColumn { get; init; } = "split";

    /// <summary>
    /// Column of the resolution of each image in micrometres per pixel, for files that do not state theirs; used when
    /// present and not a label.
    /// <value>The default value is <c>mpp</c>.</value>
    /// </summary>
    public string ResolutionColumn { get; init; } = "mpp";

    /// <summary>
    /// Column of what an image belongs to, such as a patient.
    /// <value>The default value is null: images are independent of each other.</value>
    /// </summary>
    public string? GroupColumn { get; init; }

    /// <summary>
    /// Refuse a table without the <see cref="GroupColumn"/>; otherwise its images have no groups.
    /// <value>The default value is true.</value>
    /// </summary>
    public bool RequireGroup { get; init; } = true;

    /// <summary>
    /// Column of how much an image counts in learning.
    /// <value>The default value is null: all count alike.</value>
    /// </summary>
    public string? WeightColumn { get; init; }

    /// <summary>
    /// Column of the fold of a cross-validation, from 1; used when present and not a label.
    /// <value>The default value is <c>fold</c>.</value>
    /// </summary>
    public string FoldColumn { get; init; } = "fold";

    /// <summary>
    /// Take every text for a class as it stands: also <c>NA</c>, <c>none</c> and others that programs write for a
    /// missing value, which are refused otherwise, and <c>0</c> and <c>0.0</c> for two.
    /// <value>The default value is false.</value>
    /// </summary>
    public bool LiteralLabels { get; init; }

    /// <summary>
    /// Classes that a model tells apart: their names are taken as they stand, and texts of the same value as one of
    /// them, such as 1.0 for 1, are that class.
    /// <value>The default value is none.</value>
    /// </summary>
    public IReadOnlyList<string> KnownClasses { get; init; } = [];

    /// <summary>
    /// Where <see cref="Labels"/> is <see cref="LabelKind.Mixed"/>, the kind of each label column: <see cref="LabelKind.Class"/>,
    /// <see cref="LabelKind.MultiLabel"/> for 0 and 1, or <see cref="LabelKind.Regression"/>.
    /// <value>The default value is none.</value>
    /// </summary>
    public IReadOnlyList<LabelKind> ColumnKinds { get; init; } = [];

    /// <summary>
    /// Where <see cref="Labels"/> is <see cref="LabelKind.Mixed"/>, the classes that a model tells apart in each label column, as
    /// <see cref="KnownClasses"/>; empty for columns of other kinds.
    /// <value>The default value is none.</value>
    /// </summary>
    public IReadOnlyList<IReadOnlyList<string>> KnownColumnClasses { get; init; } = [];

    /// <summary>Folder that relative paths start from. <value>The default value is null: the folder of the CSV file.</value></summary>
    public string? Root { get; init; }

    /// <summary>
    /// Open every image and mask and report those that are damaged. Photographs and small tiled images are decoded for this, of large ones
    /// the structure is checked and a few tiles are decoded (<see cref="ImageCheck"/>). Otherwise it is only looked whether the files are
    /// there.
    /// <value>The default value is true.</value>
    /// </summary>
    public bool CheckImages { get; init; } = true;

    /// <summary>
    /// What the images mean that are opened to be checked: the page, the order of axes.
    /// <value>The default value is null: what <see cref="ImageOptions"/> says.</value>
    /// </summary>
    public ImageOptions? Reading { get; init; }
}
