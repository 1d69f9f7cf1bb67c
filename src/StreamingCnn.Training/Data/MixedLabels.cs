using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Data;

/// <summary>Label columns of different kinds: what is to be learned of them.</summary>
internal static class MixedLabels
{
    /// <summary>The task of a table.</summary>
    /// <exception cref="DataSetException">A column of classes has one class alone.</exception>
    public static MixedTask Task(string path, CsvOptions options, ImageDataSet data)
    {
        var problems = options.LabelColumns.Where((_, column) => data.ColumnClasses[column].Count == 1).Select(name =>
            $"all images are of one class in the column '{name}', and there is nothing to tell apart").ToArray();
        if (problems.Length > 0)
            throw new DataSetException(path, problems);
        return new([.. options.LabelColumns.Select((name, column) => new MixedColumn(name, options.ColumnKinds[column] switch
        {
            LabelKind.Class => new ClassificationTask(data.ColumnClasses[column]),
            LabelKind.MultiLabel => new MultiLabelTask([name]),
            _ => new RegressionTask([name]),
        }))]);
    }

    /// <summary>The kinds of the columns of a task that exists already.</summary>
    public static CsvOptions Columns(MixedTask task, CsvOptions options) => options with
    {
        Labels = LabelKind.Mixed,
        ColumnKinds = [.. task.Columns.Select(column => TaskLabels.KindOf(column.Task))],
        KnownColumnClasses = [.. task.Columns.Select(column => column.Task is ClassificationTask ? column.Task.Outputs : [])],
    };

    /// <summary>
    /// Numbers in their own deviations: whether an age is in years or months must not decide what the model learns.
    /// </summary>
    public static MixedTask Weighted(MixedTask task, IReadOnlyList<ImageItem> training) => new([.. task.Columns.Select((column, place) =>
    {
        if (column.Task is not RegressionTask)
            return column;
        var values = training.Select(item => item.Targets[place]).Where(value => !double.IsNaN(value)).ToArray();
        if (values.Length == 0)
            return column;
        var mean = values.Average();
        var variance = values.Average(value => (value - mean) * (value - mean));
        return column with { Weight = variance > 0 ? 1 / variance : 1 };
    })]);

    /// <summary>Items whose classes have the indices of a task that exists already.</summary>
    /// <exception cref="DataSetException">There is a class that it does not tell apart.</exception>
    public static ImageItem[] Renumber(string path, ImageItem[] items, ImageDataSet data, MixedTask task)
    {
        var problems = new DataProblems();
        var places = task.Columns.Select((column, place) => data.ColumnClasses[place].Select(name =>
        {
            var known = column.Task.Outputs.Index().Where(one => one.Item == name).Select(one => one.Index).DefaultIfEmpty(-1).First();
            if (known < 0 && items.FirstOrDefault(item =>
                !double.IsNaN(item.Targets[place]) && data.ColumnClasses[place][(int)item.Targets[place]] == name) is { } first)
                problems.Add(
                    $"the class '{name}' in the column '{column.Name}' is none of those that the model tells apart: {string.Join(", ", column.Task.Outputs)}",
                    first.Line);
            return known;
        }).ToArray()).ToArray();
        problems.ThrowIfAny(path);
        return
        [
            .. items.Select(item => item with
            {
                Targets =
                [
                    .. item.Targets.Select((value, place) =>
                        places[place].Length == 0 || double.IsNaN(value) ? value : places[place][(int)value]),
                ],
            }),
        ];
    }
}
