using System.Globalization;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Augmentation;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Imaging.Masks.Drawn;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Data;

/// <summary>A data set that is ready for training: every image has been looked into, and every one has its part.</summary>
public sealed class LabelledImages
{
    private readonly IReadOnlyList<ImageItem> training;
    private readonly IReadOnlyList<ImageItem> validation;
    private readonly IReadOnlyList<ImageItem> test;
    private readonly string path;
    private readonly Dictionary<string, ForegroundRegion> regions = [];
    private (ImagePreparation Preparation, IReadOnlyList<SizedImage> Images)? sizes;

    private LabelledImages(
        string path,
        LearningTask task,
        IReadOnlyList<InputColumn> inputs,
        ImageDataSet all,
        Division parts)
    {
        this.path = path;
        (training, validation, test) = (parts.Training, parts.Validation, parts.Test);
        Notes = [.. all.Notes, .. parts.Notes, .. PartsCheck.Notes(task, all, training, validation)];
        Task = task;
        Channels = inputs.Sum(input => input.Channels);
        Inputs = inputs.Count > 1 ? inputs : [];
        All = all;
    }

    /// <summary>What is to be learned.</summary>
    public LearningTask Task { get; }

    /// <summary>Channels of every image.</summary>
    public int Channels { get; }

    /// <summary>Where several images are seen side by side, each of them; none where it is one.</summary>
    public IReadOnlyList<InputColumn> Inputs { get; }

    /// <summary>What a person should know of the data, a sentence each without its full stop.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Types of samples that the images have.</summary>
    public required IReadOnlyList<SampleType> SampleTypes { get; init; }

    /// <summary>What is done with the files when they are read, and with how many of them.</summary>
    public required IReadOnlyList<(ImageRemark Remark, int Images)> Remarks { get; init; }

    /// <summary>All images, whatever their part.</summary>
    public ImageDataSet All { get; }

    /// <summary>Reads a CSV file or a folder with one folder for each class, and looks into every image.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="columns">Meaning of a CSV file's columns; null for <c>image,label</c>.</param>
    /// <param name="validationShare">
    /// Share of the images, of each class where there are classes, that is kept for validation where the file has no part of that name.
    /// </param>
    /// <param name="seed">Decides which.</param>
    /// <param name="channels">
    /// Channels that every image is to have, also each of several side by side: 1 and 3 are made of grey and colour images alike; null
    /// for what all the files have.
    /// </param>
    /// <param name="reading">What files mean: alpha, pixels without data, the page, the order of axes; null for the defaults.</param>
    /// <param name="masks">Where what is to be learned is in masks: their classes; null for those that are found in them.</param>
    /// <param name="fold">The fold that is the test, while the others are learned from; null to go by the parts of the table.</param>
    /// <param name="order">
    /// Names of all classes from the least to the greatest, such as grades; null where they have no order.
    /// </param>
    /// <param name="numbers">
    /// Where what is to be learned are maps of numbers: which; null for those that are found in them.
    /// </param>
    /// <exception cref="DataSetException">Something is wrong with the data; all that is found is named.</exception>
    /// <exception cref="ArgumentException">The order lacks a class, or names one twice.</exception>
    public static LabelledImages Read(
        string path,
        CsvOptions? columns = null,
        double validationShare = 0.2,
        int seed = 1,
        int? channels = null,
        ImageOptions? reading = null,
        FoldChoice? fold = null,
        MaskClasses? masks = null,
        IReadOnlyList<string>? order = null,
        MapNumbers? numbers = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        columns ??= new();
        RefuseGroupsOfFolder(path, columns);
        RefuseMasksOfFolder(path, columns.Labels);
        RefuseInputsOfFolder(path, columns);
        var data = Directory.Exists(path)
            ? ImageDataSet.FromFolders(path, reading: reading)
            : ImageDataSet.FromCsv(path, columns with { Reading = reading });
        var kind = Directory.Exists(path) ? LabelKind.Class : columns.Labels;
        if (kind == LabelKind.Class && data.Classes.Count < 2)
            throw new DataSetException(path, [$"all images are of one class, '{data.Classes[0]}', and there is nothing to tell apart"]);
        if (kind == LabelKind.Class && order is not null)
            data = data.InOrder(order);
        var problems = new DataProblems();
        PartsCheck.Names(data, problems);
        IReadOnlyDictionary<string, NumberMoments[]> moments = new Dictionary<string, NumberMoments[]>();
        (data, LearningTask task) = kind switch
        {
            LabelKind.Map => Maps(),
            LabelKind.Mask => ImageMasks.Read(path, data, masks ?? new(), reading, problems),
            LabelKind.Class => (data, new ClassificationTask(data.Classes, order is not null)),
            LabelKind.Mixed => (data, MixedLabels.Task(path, columns, data)),
            LabelKind.MultiLabel => (data, new MultiLabelTask(columns.LabelColumns)),
            _ => ((ImageDataSet, LearningTask))(data, new RegressionTask(columns.LabelColumns)),
        };
        var options = (reading ?? new()) with { Channels = channels is 1 or 3 ? channels : null };
        var unknown = new ImagePreparation { Channels = 0 };
        var readings = ImageSizes.Headers(data.Items, item => unknown.For(item).Readings(item.Path, options), problems);
        string[] names = [columns.ImageColumn ?? "image", .. columns.FurtherColumns];
        var inputs = names.Select((name, place) => new InputColumn(
            name, CommonChannels([.. readings.Select(one => (one.Item, one.Readings[place]))], channels, problems))).ToArray();
        problems.ThrowIfAny(path);

        var parts = Division.Of(path, data, validationShare, seed, fold);
        if (parts.Training.Count == 0)
            throw new DataSetException(path, [$"no image is in the part '{DataPart.Training}', so there is nothing to learn from"]);
        if (task is MixedTask mixed)
            task = MixedLabels.Weighted(mixed, parts.Training);
        if (task is MapRegressionTask maps)
            task = ImageMaps.Scaled(maps, moments, parts.Training, problems);
        PartsCheck.Classes(data, task, parts.Training, problems);
        problems.ThrowIfAny(path);
        return new(path, task, inputs, data, parts)
        {
            SampleTypes =
            [
                .. readings.SelectMany(one => one.Readings)
                    .Select(one => new SampleType(one.Info.SampleType, one.Info.StoredPerWindow)).Distinct(),
            ],
            Remarks =
            [
                .. readings.SelectMany(one => one.Readings).SelectMany(one => one.Remarks)
                    .CountBy(remark => remark).Select(count => (count.Key, count.Value)),
            ],
        };

        (ImageDataSet Data, LearningTask Task) Maps()
        {
            (var read, var ofNumbers, moments) = ImageMaps.Read(path, data, numbers ?? new(), reading, problems);
            return (read, ofNumbers);
        }
    }

    /// <summary>
    /// Finds the foreground of every image where the preparation asks for it. The samples and sizes that are asked for afterwards are
    /// cropped to it.
    /// </summary>
    /// <returns>
    /// Share of all pixels that lie in the boxes and share that is foreground, 0 to 1 each; null where whole images are wanted.
    /// </returns>
    /// <exception cref="DataSetException">The foreground of some images cannot be found; all are named.</exception>
    public (double Boxes, double Foreground)? FindForeground(ImagePreparation preparation)
    {
        ArgumentNullException.ThrowIfNull(preparation);
        if (preparation.Foreground == ForegroundRule.None)
            return null;
        Sizes(preparation);
        var found = All.Items.AsParallel().AsOrdered().Select(Find).ToArray();
        var problems = new DataProblems();
        foreach (var (item, _, problem) in found.Where(one => one.Problem is not null))
            problems.Add(problem!.Problem.TrimEnd('.'), item.Line, problem.Path, problem.Path == item.Mask ? "mask" : "image");
        problems.ThrowIfAny(path);
        double pixels = 0, inBoxes = 0, foreground = 0;
        foreach (var (item, region, _) in found)
        {
            regions[item.Path] = region!;
            var inBox = (double)region!.Box.Height * region.Box.Width;
            (pixels, inBoxes, foreground) =
                (pixels + (inBox / region.BoxShare), inBoxes + inBox, foreground + (inBox / region.BoxShare * region.ForegroundShare));
        }

        return (inBoxes / pixels, foreground / pixels);

        (ImageItem Item, ForegroundRegion? Region, ImageFormatException? Problem) Find(ImageItem item)
        {
            try
            {
                return (item, preparation.For(item.MicrometresPerPixel).FindForeground(item.Path, item.Mask), null);
            }
            catch (ImageFormatException error)
            {
                return (item, null, error);
            }
        }
    }

    /// <summary>
    /// The size of every image as the network sees it, cropped where <see cref="FindForeground"/> has found what is
    /// wanted.
    /// </summary>
    /// <exception cref="DataSetException">Some images cannot be brought to the resolution that is wanted; all are named.</exception>
    public IReadOnlyList<SizedImage> Sizes(ImagePreparation preparation)
    {
        ArgumentNullException.ThrowIfNull(preparation);
        if (regions.Count > 0)
            return [.. All.Items.Select(item => new SizedImage(item, regions[item.Path].Box.Height, regions[item.Path].Box.Width))];
        // How values are scaled changes no size.
        var unscaled = preparation with { Normalization = Normalization.Symmetric };
        if (sizes?.Preparation != unscaled)
        {
            var problems = new DataProblems();
            var found = ImageSizes.Read(All.Items, unscaled, problems);
            problems.ThrowIfAny(path);
            sizes = (unscaled, found);
        }

        return sizes.Value.Images;
    }

    /// <summary>Height of the tallest and width of the widest image, as the network sees them.</summary>
    /// <exception cref="DataSetException">As for <see cref="Sizes"/>.</exception>
    public (long Height, long Width) LargestSize(ImagePreparation preparation)
    {
        var images = Sizes(preparation);
        return (images.Max(image => image.Height), images.Max(image => image.Width));
    }

    /// <summary>
    /// Measures the values of the training images as the network sees them before they are scaled, without pixels that
    /// have no data.
    /// </summary>
    /// <param name="preparation">How files become what the network sees.</param>
    /// <param name="most">Images to measure at most; the others are passed over evenly.</param>
    /// <exception cref="DataSetException">Some images cannot be brought to the resolution that is wanted; all are named.</exception>
    /// <exception cref="ImageFormatException">An image cannot be read.</exception>
    public PixelStatistics Measure(ImagePreparation preparation, int most = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(preparation);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        // Images that cannot be seen so are all named, and not the first one alone that is opened.
        Sizes(preparation);
        var step = ((training.Count - 1) / most) + 1;
        var measured = training.Where((_, i) => i % step == 0);
        return PixelStatistics.Measure(measured.Select(item => (Func<IImageSource>)(() => Open(item))));

        IImageSource Open(ImageItem item)
        {
            var own = preparation.For(item);
            return own.OpenPixels(item.Path, own.Options with
            {
                NoDataFill = [float.NaN],
                Crop = regions.TryGetValue(item.Path, out var region) ? region.Box : null,
            });
        }
    }

    /// <summary>The images to learn from.</summary>
    /// <param name="preparation">How files become what the network sees.</param>
    /// <param name="augmentation">What to change at random; null for nothing.</param>
    /// <param name="seed">Decides how.</param>
    public IReadOnlyList<TrainingSample> Training(ImagePreparation preparation, AugmentationOptions? augmentation = null, int seed = 1) =>
        Samples(training, preparation, augmentation, seed, regions, Task as MapTask);

    /// <summary>The images to judge by while training.</summary>
    public IReadOnlyList<TrainingSample> Validation(ImagePreparation preparation) =>
        Samples(validation, preparation, regions: regions, maps: Task as MapTask);

    /// <summary>The images to judge by in the end.</summary>
    public IReadOnlyList<TrainingSample> Test(ImagePreparation preparation) =>
        Samples(test, preparation, regions: regions, maps: Task as MapTask);

    /// <summary>Items of a data set as samples.</summary>
    /// <param name="items">The items.</param>
    /// <param name="preparation">How files become what the network sees.</param>
    /// <param name="augmentation">What to change at random; null for nothing.</param>
    /// <param name="seed">Decides how.</param>
    /// <param name="regions">
    /// The part of each image that is opened and its foreground, by its path; null where that is found when an image is opened.
    /// </param>
    /// <param name="maps">What files of masks or of maps mean, where what is to be learned is in those.</param>
    public static IReadOnlyList<TrainingSample> Samples(
        IEnumerable<ImageItem> items,
        ImagePreparation preparation,
        AugmentationOptions? augmentation = null,
        int seed = 1,
        IReadOnlyDictionary<string, ForegroundRegion>? regions = null,
        MapTask? maps = null)
    {
        var values = maps is SegmentationTask masks
            ? new MaskValues(masks.MaskValues, masks.IgnoredValues)
            {
                Names = masks.Outputs,
                BoxCore = masks.BoxCore,
                IgnoresUnlabelled = masks.IgnoresUnlabelled,
            }
            : null;
        return [.. items.Select(Sample)];

        TrainingSample Sample(ImageItem item) => new(item.Path, item.Label, use => preparation.For(item).Open(
            item.Path,
            use == 0 ? null : augmentation,
            Seed(use),
            RegionOf(item)))
        {
            OpenMask = maps switch
            {
                MapRegressionTask numbers => use => preparation.For(item).OpenNumbers(
                    item.Path, item.Mask!, numbers.MissingValues, use == 0 ? null : augmentation, Seed(use), RegionOf(item)),
                not null => use => preparation.For(item).OpenMask(
                    item.Path, item.Mask!, values!, use == 0 ? null : augmentation, Seed(use), RegionOf(item)),
                _ => null,
            },
            Objects = values is null || item.Mask is not { } drawn || !DrawnMask.IsDrawn(drawn)
                ? null
                : () => preparation.For(item).Objects(item.Path, drawn, values, RegionOf(item)),
            Picture = side => Thumbnail.Read(ImageInfo.Read(item.Path, preparation.Options), side, preparation.Options),
            IsCropped = preparation.Foreground != ForegroundRule.None && preparation.CropsToForeground,
            Targets = item.Targets,
            Group = item.Group ?? "",
            Weight = item.Weight,
            Reading = preparation.MicrometresPerPixel is not null && item.MicrometresPerPixel is { } own
                ? string.Create(CultureInfo.InvariantCulture, $"{own:R} um")
                : "",
            Files = (preparation.Foreground == ForegroundRule.Mask || maps is not null) && item.Mask is { } mask
                ? [item.Path, .. item.Further, mask]
                : [item.Path, .. item.Further],
        };

        long Seed(long use) => (seed * 1_000_003L) + use;

        ForegroundRegion? RegionOf(ImageItem item) => preparation.Foreground == ForegroundRule.None ? null
            : regions?.GetValueOrDefault(item.Path) ?? preparation.For(item.MicrometresPerPixel).FindForeground(item.Path, item.Mask);
    }

    /// <summary>A folder for each class has no columns, and so no groups.</summary>
    internal static void RefuseGroupsOfFolder(string path, CsvOptions columns)
    {
        if (columns.GroupColumn is { } column && columns.RequireGroup && Directory.Exists(path))
            throw new DataSetException(path,
                [$"folders do not tell what images belong to; list them in a CSV file with the columns image,label,{column}"]);
    }

    /// <summary>A folder for each class has no masks, and no maps.</summary>
    internal static void RefuseMasksOfFolder(string path, LabelKind kind)
    {
        if (kind is LabelKind.Mask or LabelKind.Map && Directory.Exists(path))
            throw new DataSetException(
                path,
                [$"folders do not tell which {(kind == LabelKind.Map ? "map" : "mask")} an image has; list both in a CSV file with the columns image,{(kind == LabelKind.Map ? "map" : "mask")}"]);
    }

    /// <summary>A folder for each class has no columns, and so no images that are seen side by side.</summary>
    internal static void RefuseInputsOfFolder(string path, CsvOptions columns)
    {
        if (columns.FurtherColumns.Count > 0 && Directory.Exists(path))
            throw new DataSetException(
                path,
                [$"folders do not tell which images are read side by side; list them in a CSV file with the columns {columns.ImageColumn},{string.Join(',', columns.FurtherColumns)}"]);
    }

    /// <summary>The channels that all images have. Headers tell; what cannot be decoded has been found before.</summary>
    private static int CommonChannels(IReadOnlyList<(ImageItem Item, ImageReading Reading)> images, int? wanted, DataProblems problems)
    {
        var counts = images.CountBy(image => image.Reading.Channels).OrderByDescending(count => count.Value).ToArray();
        var common = wanted ?? (counts.Length > 0 ? counts[0].Key : 0);
        var cure = counts.Any(count => count.Key is 1 or 3)
            ? "give --channels 3 to read all as colour images, grey ones being repeated, or --channels 1 to read all as grey"
            : "choose as many bands of each by --bands, convert the others, or leave them out";
        foreach (var (item, reading) in images.Where(image => image.Reading.Channels != common))
        {
            problems.Add(
                wanted is null
                    ? $"{reading.Channels} channel(s), where most of the images have {common}; {cure}"
                    : $"{reading.Channels} channel(s), where {common} were asked for; convert them, or leave them out",
                item.Line,
                reading.Info.Path,
                "image");
        }

        return common;
    }
}
