using System.Globalization;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Data;

/// <summary>Looks into the masks of a data set before anything is learned from them: each is read through once, window by window.</summary>
internal static class ImageMasks
{
    private const int MostClasses = 256;

    // What no shape covers, where nobody has named it.
    private const string Background = "background";

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
        var found = Contents(data.Items, reading, classes.BoxCore);
        Tell(data.Items, found, problems);
        problems.ThrowIfAny(path);
        var task = classes.Classes.Count == 0
            ? FoundIn(path, [.. found.Select(one => one.Content!)], classes)
            : new SegmentationTask(
                [.. classes.Classes.Select(one => one.Name)], [.. classes.Classes.Select(one => one.Value)], classes.Ignored)
            {
                BoxCore = classes.BoxCore,
                IgnoresUnlabelled = classes.IgnoresUnlabelled,
            };
        return (data.Select((item, place) => Counted(item, found[place].Content!, task, problems)), task);
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
        var found = Contents(items, reading, task.BoxCore);
        Tell(items, found, problems);
        return [
            .. items.Zip(found).Where(one => one.Second.Content is not null).Select(
                one => Counted(one.First, one.Second.Content!, task, problems))
        ];
    }

    /// <summary>The classes that masks have: their values, or the names of shapes, with one more for what no shape covers.</summary>
    private static SegmentationTask FoundIn(string path, IReadOnlyList<MaskContent> masks, MaskClasses classes)
    {
        var drawn = masks.OfType<DrawnContent>().ToArray();
        if (drawn.Length > 0 && drawn.Length < masks.Count)
        {
            throw new DataSetException(
                path, [$"{drawn.Length} of {masks.Count} masks are drawn, with names of classes, and the others have values; name the classes"]);
        }

        if (drawn.Length > 0)
        {
            var names = drawn.SelectMany(mask => mask.Classes.Keys).Distinct()
                .Where(name => name != Background || classes.IgnoresUnlabelled);
            return ClassesOf(
                path, [.. classes.IgnoresUnlabelled ? [] : (string[])[Background], .. names.Order(StringComparer.Ordinal)], null, classes);
        }

        var values = masks.OfType<StoredContent>().SelectMany(mask => mask.Values.Keys).Distinct().Except(classes.Ignored).Order()
            .ToArray();
        return ClassesOf(path, [.. values.Select(Text)], values, classes);
    }

    private static SegmentationTask ClassesOf(string path, string[] names, long[]? values, MaskClasses classes)
    {
        if (names.Length is >= 2 and <= MostClasses)
            return new(names, values, values is null ? [] : classes.Ignored)
            {
                BoxCore = classes.BoxCore,
                IgnoresUnlabelled = classes.IgnoresUnlabelled,
            };
        var hint = names.Length == 0 ? "" : $" ({string.Join(", ", names.Take(8))}{(names.Length > 8 ? ", ..." : "")})";
        throw new DataSetException(
            path, [$"the masks have {names.Length} different values that count{hint}, but from 2 to {MostClasses} classes can be told apart; name the classes, or mend the masks"]);
    }

    private static ImageItem Counted(ImageItem item, MaskContent mask, SegmentationTask task, DataProblems problems)
    {
        var counts = mask.Of(task, out var unknown);
        if (unknown is var (what, pixels))
        {
            var classes = string.Join(", ", mask is DrawnContent ? task.Outputs : task.MaskValues.Select(Text));
            problems.Add(
                $"it has {what} at {Text(pixels)} pixel(s), which is none of the classes {classes}; name that class as well, or have it ignored",
                item.Line,
                item.Mask,
                "mask");
        }
        else if (counts.All(count => count == 0))
        {
            problems.Add(
                "it has no pixel that counts, since all of its values are ignored; leave the image out", item.Line, item.Mask, "mask");
        }

        return item with { Targets = [.. counts.Select(count => (double)count)] };
    }

    private static (MaskContent? Content, ImageFormatException? Problem)[] Contents(
        IReadOnlyList<ImageItem> items,
        ImageOptions? reading,
        double? boxCore) => [.. items.AsParallel().AsOrdered().Select(item => Content(item, reading, boxCore))];

    private static (MaskContent? Content, ImageFormatException? Problem) Content(ImageItem item, ImageOptions? reading, double? boxCore)
    {
        try
        {
            return (MaskContent.Of(item.Mask!, ImageInfo.Read(item.Path, reading), boxCore), null);
        }
        catch (ImageFormatException error)
        {
            return (null, error);
        }
    }

    private static void Tell(
        IReadOnlyList<ImageItem> items,
        (MaskContent? Content, ImageFormatException? Problem)[] found,
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
