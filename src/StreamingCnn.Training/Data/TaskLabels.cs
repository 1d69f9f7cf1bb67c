using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Data;

/// <summary>What a table must have for a task that exists already.</summary>
internal static class TaskLabels
{
    /// <summary>The column of files that have what is to be learned of each pixel.</summary>
    public static string FileColumn(LabelKind kind) => kind == LabelKind.Map ? "map" : "mask";

    /// <summary>
    /// What label columns hold, or of <see cref="LabelKind.Mask"/> and <see cref="LabelKind.Map"/> the files that they name.
    /// </summary>
    public static LabelKind KindOf(LearningTask task) => task switch
    {
        ClassificationTask => LabelKind.Class,
        MultiLabelTask => LabelKind.MultiLabel,
        SegmentationTask => LabelKind.Mask,
        MapRegressionTask => LabelKind.Map,
        MixedTask => LabelKind.Mixed,
        _ => LabelKind.Regression,
    };

    /// <summary>A name for each number that an image is labelled with: a column of classes has one number, however many outputs.</summary>
    public static IReadOnlyList<string> NamesOf(LearningTask task) =>
        task is MixedTask mixed ? [.. mixed.Columns.Select(column => column.Name)] : task.Outputs;
}
