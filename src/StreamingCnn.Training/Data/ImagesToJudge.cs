using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Data;

/// <summary>Labelled images for a model that exists already: their labels are those that the model knows.</summary>
public static class ImagesToJudge
{
    private const string All = "all";

    /// <summary>Names of what <see cref="Read"/> can read of a data set.</summary>
    public static IReadOnlyList<string> Parts { get; } = [All, DataPart.Training, DataPart.Validation, DataPart.Test];

    /// <summary>Reads a CSV file or a folder with one folder for each class, and looks into every image.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="task">What the model's outputs mean.</param>
    /// <param name="preparation">How files become what the network sees.</param>
    /// <param name="labelColumns">
    /// Label columns of a CSV file; null for <c>label</c> where the task is one of classes, and otherwise for the columns named like the
    /// model's outputs.
    /// </param>
    /// <param name="part">One of <see cref="Parts"/>; null for <c>test</c> where the file has such a part, and otherwise for all.</param>
    /// <param name="tell">Told what a person should know of the data, a sentence each without its full stop; null for nobody.</param>
    /// <param name="group">
    /// Column of what an image belongs to, and whether a table without it is refused; null where images are independent.
    /// </param>
    /// <returns>The images, and the part that they are.</returns>
    /// <exception cref="DataSetException">
    /// Something is wrong with the data, or there is a class that the model does not know; all that is found is named.
    /// </exception>
    /// <exception cref="ArgumentException">There is no such part.</exception>
    public static (IReadOnlyList<TrainingSample> Samples, string Part) Read(
        string path,
        LearningTask task,
        ImagePreparation preparation,
        IReadOnlyList<string>? labelColumns = null,
        string? part = null,
        Action<string>? tell = null,
        (string Column, bool IsRequired)? group = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(preparation);
        var kind = TaskLabels.KindOf(task);
        if (part is not null && !Parts.Contains(part))
            throw new ArgumentException($"'{part}' is no part of a data set; choose one of {string.Join(", ", Parts)}.", nameof(part));
        LabelledImages.RefuseMasksOfFolder(path, kind);
        var own = TaskLabels.NamesOf(task);
        if (Directory.Exists(path) && kind != LabelKind.Class)
            throw new DataSetException(path, [$"the model predicts {task.Kind}, which folders cannot tell; give a CSV file with the columns image,{string.Join(',', own)}"]);
        var columns = labelColumns ?? (kind == LabelKind.Class ? ["label"] : own);
        if (kind is LabelKind.MultiLabel or LabelKind.Regression or LabelKind.Mixed && columns.Count != own.Count)
            throw new DataSetException(path, [$"{columns.Count} label column(s) were named, but the model predicts {own.Count}: {string.Join(", ", own)}"]);
        var listed = new CsvOptions
        {
            LabelColumns = columns,
            ImageColumn = preparation.Inputs.Count > 0 ? preparation.Inputs[0].Name : null,
            FurtherColumns = [.. preparation.Inputs.Skip(1).Select(input => input.Name)],
            Reading = preparation.Reading,
            Labels = kind,
            MaskColumn = TaskLabels.FileColumn(kind),
            KnownClasses = kind == LabelKind.Class ? task.Outputs : [],
            GroupColumn = group?.Column,
            RequireGroup = group?.IsRequired ?? true,
        };
        if (task is MixedTask mixed)
            listed = MixedLabels.Columns(mixed, listed);
        LabelledImages.RefuseGroupsOfFolder(path, listed);
        LabelledImages.RefuseInputsOfFolder(path, listed);
        var data = Directory.Exists(path)
            ? ImageDataSet.FromFolders(path, reading: preparation.Reading) : ImageDataSet.FromCsv(path, listed);
        foreach (var note in data.Notes)
            tell?.Invoke(note);

        var chosen = part ?? (data.Items.Any(item => IsIn(item, DataPart.Test)) ? DataPart.Test : All);
        var items = data.Items.Where(item => IsIn(item, chosen)).ToArray();
        if (items.Length == 0)
            throw new DataSetException(path, [$"no image is in the part '{chosen}'"]);
        foreach (var (doubt, images) in Check(path, items, preparation))
            tell?.Invoke($"{doubt} ({images} image{(images == 1 ? "" : "s")})");
        if (task is SegmentationTask masks)
        {
            var problems = new DataProblems();
            items = [.. ImageMasks.Read(items, masks, preparation.Reading, problems)];
            problems.ThrowIfAny(path);
        }

        if (task is MapRegressionTask numbers)
        {
            var problems = new DataProblems();
            items = [.. ImageMaps.Read(items, numbers, preparation.Reading, problems)];
            problems.ThrowIfAny(path);
        }

        if (task is MixedTask known)
            items = MixedLabels.Renumber(path, items, data, known);
        return (
            LabelledImages.Samples(
                kind == LabelKind.Class
                    ? Renumber(path, items, data.Classes, task.Outputs)
                    : items, preparation, maps: task as MapTask),
            chosen);
    }

    /// <summary>What would be found in the middle of the work otherwise: images of other channels, or without a resolution.</summary>
    /// <returns>What is doubtful about images that can be read, and of how many.</returns>
    private static KeyValuePair<string, int>[] Check(string path, ImageItem[] items, ImagePreparation preparation)
    {
        var problems = new DataProblems();
        var doubts = new List<string>();
        ImageSizes.Read(items, preparation, problems);
        var options = preparation.Options with { MicrometresPerPixel = null, Downsample = null };
        foreach (var (item, readings) in ImageSizes.Headers(items, item => preparation.For(item).Readings(item.Path, options), problems))
        {
            foreach (var (place, reading) in readings.Index())
            {
                var trained = preparation.Inputs.Count == 0 ? preparation.Channels : preparation.Inputs[place].Channels;
                if (reading.Channels != trained)
                {
                    problems.Add(
                        $"{reading.Channels} channel(s), but the model was trained on images of {trained}",
                        item.Line,
                        reading.Info.Path,
                        "image");
                }

                doubts.AddRange(preparation.Doubts(reading));
            }
        }

        problems.ThrowIfAny(path);
        return [.. doubts.CountBy(doubt => doubt)];
    }

    private static bool IsIn(ImageItem item, string part) => part == All || DataPart.Of(item.Split) == part;

    /// <summary>Labels by the model's classes: the data may have fewer.</summary>
    private static IEnumerable<ImageItem> Renumber(
        string path, ImageItem[] items, IReadOnlyList<string> classes, IReadOnlyList<string> known)
    {
        var places = known.Index().ToDictionary(output => output.Item, output => output.Index, StringComparer.Ordinal);
        var problems = new DataProblems();
        foreach (var group in items.Where(item => !places.ContainsKey(classes[item.Label])).GroupBy(item => item.Label))
        {
            problems.Add(
                $"the class '{classes[group.Key]}' is none of those that the model tells apart: {string.Join(", ", known)}",
                group.First().Line);
        }

        problems.ThrowIfAny(path);
        return items.Select(item => item with { Label = places[classes[item.Label]] });
    }
}
