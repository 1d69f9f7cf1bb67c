using System.Globalization;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Data;

/// <summary>Looks into the maps of numbers of a data set: each is read through once, window by window.</summary>
internal static class ImageMaps
{
    private static readonly string Column = TaskLabels.FileColumn(LabelKind.Map);

    // What differs by less than rounding does not differ.
    private const double LeastDeviation = 1e-9;

    /// <summary>Finds the numbers, and what each image has of them.</summary>
    /// <param name="path">The table.</param>
    /// <param name="data">The images and their maps.</param>
    /// <param name="numbers">What is known of the numbers.</param>
    /// <param name="reading">What the images' files mean; null for the defaults.</param>
    /// <param name="problems">Gets what is wrong.</param>
    /// <returns>
    /// The images, whose targets are the means of their numbers; what is to be learned, on no scale yet; and the moments of each map, by
    /// its path.
    /// </returns>
    /// <exception cref="DataSetException">Maps have not the numbers that are named, or not the same.</exception>
    public static (ImageDataSet Data, MapRegressionTask Task, IReadOnlyDictionary<string, NumberMoments[]> Moments) Read(
        string path, ImageDataSet data, MapNumbers numbers, ImageOptions? reading, DataProblems problems)
    {
        var found = Contents(data.Items, numbers.Missing, reading, problems);
        problems.ThrowIfAny(path);
        var channels = numbers.Names.Count > 0 ? numbers.Names.Count : found.Values.CountBy(one => one.Length).MaxBy(one => one.Value).Key;
        CheckChannels(data.Items, found, channels, numbers.Names.Count > 0, problems);
        problems.ThrowIfAny(path);
        var names = numbers.Names.Count > 0 ? numbers.Names : NamesOf(data.Items[0].Mask!, channels);
        var counted = data.Select((item, _) => Counted(item, found[item.Mask!], problems));
        problems.ThrowIfAny(path);
        return (counted, new MapRegressionTask(names, missing: numbers.Missing), found);
    }

    /// <summary>Looks into the maps of images that a model with known numbers is to judge.</summary>
    /// <param name="items">The images.</param>
    /// <param name="task">The model's task.</param>
    /// <param name="reading">What the images' files mean.</param>
    /// <param name="problems">Gets what is wrong.</param>
    /// <returns>The images, whose targets are the means of their numbers.</returns>
    public static IReadOnlyList<ImageItem> Read(
        IReadOnlyList<ImageItem> items, MapRegressionTask task, ImageOptions? reading, DataProblems problems)
    {
        var found = Contents(items, task.MissingValues, reading, problems);
        CheckChannels(items, found, task.Outputs.Count, isNamed: true, problems);
        return
        [
            .. items.Where(item => found.TryGetValue(item.Mask!, out var moments) && moments.Length == task.Outputs.Count)
                .Select(item => Counted(item, found[item.Mask!], problems)),
        ];
    }

    /// <summary>The task on the scale of the numbers of the images that are learned from.</summary>
    /// <param name="task">The task.</param>
    /// <param name="moments">The moments of maps, by their paths.</param>
    /// <param name="training">The images to learn from.</param>
    /// <param name="problems">Gets what is wrong: a number that does not vary.</param>
    public static MapRegressionTask Scaled(
        MapRegressionTask task,
        IReadOnlyDictionary<string, NumberMoments[]> moments,
        IReadOnlyList<ImageItem> training,
        DataProblems problems)
    {
        var scales = task.Outputs.Select((name, number) =>
        {
            var all = training.Aggregate(default(NumberMoments), (sum, item) => sum + moments[item.Mask!][number]);
            if (all.Deviation > LeastDeviation * Math.Max(1e-30, Math.Abs(all.Mean)))
                return new NumberScale(all.Mean, all.Deviation);
            problems.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"'{name}' is {all.Mean} at all pixels of all maps in the part '{DataPart.Training}', and there is nothing to learn of it; move some of the others there"));
            return NumberScale.One;
        }).ToArray();
        return new(task.Outputs, scales, task.MissingValues);
    }

    private static Dictionary<string, NumberMoments[]> Contents(
        IReadOnlyList<ImageItem> items, IReadOnlyList<long> missing, ImageOptions? reading, DataProblems problems)
    {
        var found = items.AsParallel().AsOrdered().Select(Content).ToArray();
        foreach (var (item, (_, problem)) in items.Zip(found))
        {
            if (problem is not null)
                problems.Add(problem.Problem.TrimEnd('.'), item.Line, problem.Path, problem.Path == item.Mask ? Column : "image");
        }

        return items.Zip(found).Where(one => one.Second.Moments is not null).DistinctBy(one => one.First.Mask)
            .ToDictionary(one => one.First.Mask!, one => one.Second.Moments!);

        (NumberMoments[]? Moments, ImageFormatException? Problem) Content(ImageItem item)
        {
            try
            {
                using var map = NumberMapFile.Open(item.Mask!, missing);
                MaskSizes.Check(ImageInfo.Read(item.Path, reading), item.Mask!, (map.Height, map.Width));
                return (NumberMoments.Of(map, item.Mask!), null);
            }
            catch (ImageFormatException error)
            {
                return (null, error);
            }
        }
    }

    private static void CheckChannels(
        IReadOnlyList<ImageItem> items, Dictionary<string, NumberMoments[]> found, int channels, bool isNamed, DataProblems problems)
    {
        foreach (var item in items.Where(item => found.TryGetValue(item.Mask!, out var moments) && moments.Length != channels))
        {
            problems.Add(
                isNamed
                    ? $"it has {found[item.Mask!].Length} channel(s), but {channels} number(s) are named; give a map with a channel for each"
                    : $"it has {found[item.Mask!].Length} channel(s), where most of the maps have {channels}; give all maps the same numbers",
                item.Line,
                item.Mask,
                Column);
        }
    }

    private static string[] NamesOf(string map, int channels)
    {
        var info = NumberMapFile.Info(map);
        string[] named = [.. info.BandNames.OfType<string>().Select(name => name.Trim()).Where(name => name.Length > 0)];
        return named.Length == channels && named.Distinct(StringComparer.Ordinal).Count() == channels
            ? named
            : channels == 1
                ? ["value"]
                : [.. Enumerable.Range(1, channels).Select(number => string.Create(CultureInfo.InvariantCulture, $"value {number}"))];
    }

    private static ImageItem Counted(ImageItem item, NumberMoments[] moments, DataProblems problems)
    {
        if (moments.All(one => one.Count == 0))
            problems.Add("it has no number at any pixel; leave the image out", item.Line, item.Mask, Column);
        return item with { Targets = [.. moments.Select(one => one.Mean)] };
    }
}
