using System.Globalization;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Data;

/// <summary>Whether the parts of a data set are good for learning.</summary>
internal static class PartsCheck
{
    /// <summary>A part with a slip in its name would be learned from, images of the test among them.</summary>
    public static void Names(ImageDataSet data, DataProblems problems)
    {
        foreach (var item in data.Items.Where(item => item.Split is { } part && !DataPart.IsKnown(part)))
        {
            problems.Add(
                $"the part '{item.Split}' is none of {DataPart.Training}, {DataPart.Validation} and {DataPart.Test}",
                item.Line,
                item.Path,
                "image");
        }
    }

    /// <summary>A group in two parts of a table would be learned from and judged by.</summary>
    /// <param name="data">The images.</param>
    /// <param name="foldsAreMade">Whether all but the test are divided anew, so that it alone counts.</param>
    /// <param name="problems">Gets the groups.</param>
    public static void Groups(ImageDataSet data, bool foldsAreMade, DataProblems problems) => NoGroupInTwo(
        data.Items.Where(item => item.Split is not null || foldsAreMade),
        item => DataPart.Of(item.Split) is var part && foldsAreMade && part != DataPart.Test ? "folds" : part,
        problems);

    /// <summary>Refuses groups that stand in two parts.</summary>
    public static void NoGroupInTwo(IEnumerable<ImageItem> items, Func<ImageItem, string> part, DataProblems problems)
    {
        foreach (var group in items.Where(item => item.Group is not null).GroupBy(item => item.Group))
        {
            var parts = group.Select(part).Distinct().ToArray();
            if (parts.Length > 1)
                problems.Add(
                    $"the group '{group.Key}' stands in the parts {string.Join(", ", parts.Select(name => $"'{name}'"))}; move all of it into one", group.First().Line);
        }
    }

    /// <summary>From images of one class there is nothing to learn, whatever other parts hold.</summary>
    public static void Classes(ImageDataSet data, LearningTask task, IReadOnlyList<ImageItem> training, DataProblems problems)
    {
        if (task is SegmentationTask && ClassesOf(training) is [var only])
        {
            problems.Add(
                $"all masks in the part '{DataPart.Training}' are of the class '{task.Outputs[only]}' alone, and there is nothing to tell apart; move some of the others there");
        }

        if (training[0].Label >= 0 && training.All(item => item.Label == training[0].Label))
        {
            problems.Add(
                $"all images in the part '{DataPart.Training}' are of the class '{data.Classes[training[0].Label]}', "
                + "and there is nothing to tell apart; move some of the others there");
        }

        if (task is not MixedTask mixed)
            return;
        foreach (var (place, column) in mixed.Columns.Index().Where(one => training.All(item => double.IsNaN(item.Targets[one.Index]))))
        {
            problems.Add(
                $"no image in the part '{DataPart.Training}' has a value in the column '{column.Name}', so there is nothing to learn of it; move some that have one there");
        }
    }

    /// <summary>The classes that masks have.</summary>
    private static int[] ClassesOf(IEnumerable<ImageItem> items) =>
        [.. items.SelectMany(item => item.Targets.Index().Where(one => one.Item > 0).Select(one => one.Index)).Distinct().Order()];

    /// <summary>What is no mistake, but may not be meant, in sentences.</summary>
    public static IEnumerable<string> Notes(
        LearningTask task, ImageDataSet all, IReadOnlyList<ImageItem> training, IReadOnlyList<ImageItem> validation)
    {
        if (task is ClassificationTask)
        {
            // Rare classes may all be kept for the test. They are never found then, which whoever reads the results has to know.
            var learned = training.Select(item => item.Label).ToHashSet();
            foreach (var group in all.Items.Where(item => !learned.Contains(item.Label)).GroupBy(item => item.Label))
            {
                yield return $"the class '{task.Outputs[group.Key]}' has {group.Count()} image(s), "
                    + $"but none in the part '{DataPart.Training}', so it is never learned, and they will be judged wrong";
            }

            var judged = validation.Select(item => item.Label).ToHashSet();
            var without = Enumerable.Range(0, task.Outputs.Count)
                .Where(label => !judged.Contains(label))
                .Select(label => $"'{task.Outputs[label]}'")
                .ToArray();
            if (validation.Count > 0 && without.Length > 0)
            {
                var more = without.Length > 4 ? $" and {without.Length - 4} more" : "";
                yield return $"no validation image is of the class {string.Join(", ", without.Take(4))}{more}";
            }

            yield break;
        }

        if (task is SegmentationTask)
        {
            foreach (var label in Enumerable.Range(0, task.Outputs.Count).Except(ClassesOf(training)))
                yield return $"the class '{task.Outputs[label]}' is in no mask in the part '{DataPart.Training}', so it is never learned";
            if (validation.Count > 0)
            {
                foreach (var label in Enumerable.Range(0, task.Outputs.Count).Except(ClassesOf(validation)))
                    yield return $"no validation mask has the class '{task.Outputs[label]}'";
            }

            yield break;
        }

        // Their scale has said whether there is something to learn.
        if (task is MapRegressionTask)
            yield break;
        var names = TaskLabels.NamesOf(task);
        for (var output = 0; output < names.Count; output++)
        {
            var values = training.Select(item => item.Targets[output]).Where(value => !double.IsNaN(value)).Distinct().Take(2).ToArray();
            if (values.Length == 1)
            {
                yield return FormattableString.Invariant(
                    $"'{names[output]}' is {Said(values[0])} in all training images, so there is nothing to learn of it");
            }

            if (validation.Count > 0 && validation.All(item => double.IsNaN(item.Targets[output])))
                yield return $"no validation image has a value in the column '{names[output]}', so what is learned of it is not judged";

            string Said(double value) => task is MixedTask { } kinds && kinds.Columns[output].Task is ClassificationTask classes
                ? $"'{classes.Outputs[(int)value]}'" : value.ToString(CultureInfo.InvariantCulture);
        }
    }
}
