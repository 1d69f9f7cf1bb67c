using System.Globalization;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Data;

/// <summary>Looks into the masks of a data set before anything is learned from them: each is read through once, window by window.</summary>
internal static class ImageMasks
{
    private const int MostClasses = 256;

    /// <summary>Finds the classes, and how many pixels of each every mask has.</summary>
    /// <param name="path">The table.</param>
    /// <param name="data">The images and their masks.</param>
    /// <param name="classes">What is known of the classes.</param>
    /// <param name="reading">What the images' files mean; null for the defaults.</param>
    /// <param name="problems">Gets what is wrong.</param>
    /// <returns>The images, whose targets are the pixels of each class; and what is to be learned.</returns>
    /// <exception cref="DataSetException">There are too few classes or too many.</exception>
    public static (ImageDataSet Data, LearningTask Task) Read(
        string path, ImageDataSet data, MaskClasses classes, ImageOptions? reading, DataProblems problems)
    {
        var found = Histograms(data.Items, reading);
        Tell(data.Items, found, problems);
        problems.ThrowIfAny(path);
        var all = found.SelectMany(one => one.Values!.Keys).Distinct().Except(classes.Ignored).Order().ToArray();
        if (classes.Classes.Count == 0 && all.Length is < 2 or > MostClasses)
        {
            var hint = all.Length == 0 ? "" : $" ({string.Join(", ", all.Take(8))}{(all.Length > 8 ? ", ..." : "")})";
            throw new DataSetException(
                path, [$"the masks have {all.Length} different values that count{hint}, but from 2 to {MostClasses} classes can be told apart; name the classes, or mend the masks"]);
        }

        var task = classes.Classes.Count == 0
            ? new SegmentationTask([.. all.Select(Text)], all, classes.Ignored)
            : new SegmentationTask(
                [.. classes.Classes.Select(one => one.Name)], [.. classes.Classes.Select(one => one.Value)], classes.Ignored);
        return (data.Select((item, place) => Counted(item, found[place].Values!, task, problems)), task);
    }

    /// <summary>Looks into the masks of images that a model with known classes is to judge.</summary>
    /// <param name="items">The images.</param>
    /// <param name="task">The model's task.</param>
    /// <param name="reading">What the images' files mean.</param>
    /// <param name="problems">Gets what is wrong.</param>
    /// <returns>The images, whose targets are the pixels of each class.</returns>
    public static IReadOnlyList<ImageItem> Read(
        IReadOnlyList<ImageItem> items, SegmentationTask task, ImageOptions? reading, DataProblems problems)
    {
        var found = Histograms(items, reading);
        Tell(items, found, problems);
        return [
            .. items.Zip(found).Where(one => one.Second.Values is not null).Select(
                one => Counted(one.First, one.Second.Values!, task, problems))
        ];
    }

    private static ImageItem Counted(ImageItem item, IReadOnlyDictionary<long, long> values, SegmentationTask task, DataProblems problems)
    {
        var known = task.MaskValues.Concat(task.IgnoredValues).ToHashSet();
        if (values.Keys.Where(value => !known.Contains(value)).Order().Cast<long?>().FirstOrDefault() is { } unknown)
        {
            var classes = string.Join(", ", task.MaskValues.Select(Text));
            problems.Add(
                $"it has the value {Text(unknown)} at {Text(values[unknown])} pixel(s), which is none of the classes {classes}; name that class as well, or have the value ignored",
                item.Line,
                item.Mask,
                "mask");
        }
        else if (!task.MaskValues.Any(values.ContainsKey))
        {
            problems.Add(
                "it has no pixel that counts, since all of its values are ignored; leave the image out", item.Line, item.Mask, "mask");
        }

        return item with { Targets = [.. task.MaskValues.Select(value => (double)values.GetValueOrDefault(value))] };
    }

    private static (IReadOnlyDictionary<long, long>? Values, ImageFormatException? Problem)[] Histograms(
        IReadOnlyList<ImageItem> items,
        ImageOptions? reading) => [.. items.AsParallel().AsOrdered().Select(item => Histogram(item, reading))];

    private static (IReadOnlyDictionary<long, long>? Values, ImageFormatException? Problem) Histogram(ImageItem item, ImageOptions? reading)
    {
        try
        {
            MaskSizes.Check(ImageInfo.Read(item.Path, reading), item.Mask!, MaskFile.Size(item.Mask!));
            return (MaskHistogram.Of(item.Mask!), null);
        }
        catch (ImageFormatException error)
        {
            return (null, error);
        }
    }

    private static void Tell(
        IReadOnlyList<ImageItem> items,
        (IReadOnlyDictionary<long, long>? Values, ImageFormatException? Problem)[] found,
        DataProblems problems)
    {
        foreach (var (item, (_, problem)) in items.Zip(found))
        {
            if (problem is not null)
                problems.Add(problem.Problem.TrimEnd('.'), item.Line, problem.Path, problem.Path == item.Mask ? "mask" : "image");
        }
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
