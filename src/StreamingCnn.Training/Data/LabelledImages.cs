using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Augmentation;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Data;

/// <summary>A data set that is ready for training: every image has been looked into, and every one has its part.</summary>
public sealed class LabelledImages
{
    private readonly IReadOnlyList<ImageItem> training;
    private readonly IReadOnlyList<ImageItem> validation;
    private readonly IReadOnlyList<ImageItem> test;
    private readonly string path;
    private readonly Dictionary<string, ImageRegion> boxes = [];

    private LabelledImages(string path, LearningTask task, int channels, ImageDataSet all, IReadOnlyList<ImageItem> training, IReadOnlyList<ImageItem> validation, IReadOnlyList<ImageItem> test)
    {
        this.path = path;
        Task = task;
        Channels = channels;
        All = all;
        this.training = training;
        this.validation = validation;
        this.test = test;
    }

    /// <summary>What is to be learned.</summary>
    public LearningTask Task { get; }

    /// <summary>Channels of every image.</summary>
    public int Channels { get; }

    /// <summary>All images, whatever their part.</summary>
    public ImageDataSet All { get; }

    /// <summary>Reads a CSV file or a folder with one folder for each class, and looks into every image.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="columns">Meaning of a CSV file's columns; null for <c>image,label</c>.</param>
    /// <param name="validationShare">Share of the images, of each class where there are classes, that is kept for validation where the file has no part of that name.</param>
    /// <param name="seed">Decides which.</param>
    /// <exception cref="DataSetException">Something is wrong with the data; all that is found is named.</exception>
    public static LabelledImages Read(string path, CsvOptions? columns = null, double validationShare = 0.2, int seed = 1)
    {
        ArgumentNullException.ThrowIfNull(path);
        columns ??= new();
        var data = Directory.Exists(path) ? ImageDataSet.FromFolders(path) : ImageDataSet.FromCsv(path, columns);
        var kind = Directory.Exists(path) ? LabelKind.Class : columns.Labels;
        if (kind == LabelKind.Class && data.Classes.Count < 2)
            throw new DataSetException(path, [$"all images are of one class, '{data.Classes[0]}', and there is nothing to tell apart"]);
        LearningTask task = kind switch
        {
            LabelKind.Class => new ClassificationTask(data.Classes),
            LabelKind.MultiLabel => new MultiLabelTask(columns.LabelColumns),
            _ => new RegressionTask(columns.LabelColumns),
        };
        CheckParts(path, data);
        var channels = CommonChannels(path, data);

        var byPart = data.Items.ToLookup(item => DataPart.Of(item.Split));
        var (training, validation) = (byPart[DataPart.Training].ToArray(), byPart[DataPart.Validation].ToArray());
        if (validation.Length == 0 && validationShare > 0)
        {
            var (first, second) = data.Where(training.Contains).Stratified(validationShare, seed);
            (training, validation) = ([.. first.Items], [.. second.Items]);
        }

        return training.Length > 0
            ? new(path, task, channels, data, training, validation, [.. byPart[DataPart.Test]])
            : throw new DataSetException(path, [$"no image is in the part '{DataPart.Training}', so there is nothing to learn from"]);
    }

    /// <summary>
    /// Finds the foreground of every image where the preparation asks for it. The samples and sizes that are asked for afterwards are cropped to it.
    /// </summary>
    /// <returns>Share of all pixels that lie in the boxes and share that is foreground, 0 to 1 each; null where whole images are wanted.</returns>
    /// <exception cref="DataSetException">The foreground of some images cannot be found; all are named.</exception>
    public (double Boxes, double Foreground)? FindForeground(ImagePreparation preparation)
    {
        ArgumentNullException.ThrowIfNull(preparation);
        if (preparation.Foreground == ForegroundRule.None)
            return null;
        var found = All.Items.AsParallel().AsOrdered().Select(Find).ToArray();
        if (found.Any(one => one.Problem is not null))
            throw new DataSetException(path, [.. found.Select(one => one.Problem).OfType<string>()]);
        double pixels = 0, inBoxes = 0, foreground = 0;
        foreach (var (item, region, _) in found)
        {
            boxes[item.Path] = region!.Box;
            var inBox = (double)region.Box.Height * region.Box.Width;
            (pixels, inBoxes, foreground) = (pixels + (inBox / region.BoxShare), inBoxes + inBox, foreground + (inBox / region.BoxShare * region.ForegroundShare));
        }

        return (inBoxes / pixels, foreground / pixels);

        (ImageItem Item, ForegroundRegion? Region, string? Problem) Find(ImageItem item)
        {
            try
            {
                return (item, preparation.FindForeground(item.Path, item.Mask), null);
            }
            catch (ImageFormatException error)
            {
                return (item, null, error.Message.TrimEnd('.'));
            }
        }
    }

    /// <summary>Height of the tallest and width of the widest image, as the network sees them.</summary>
    public (long Height, long Width) LargestSize(ImagePreparation preparation)
    {
        ArgumentNullException.ThrowIfNull(preparation);
        if (boxes.Count > 0)
            return (boxes.Values.Max(box => box.Height), boxes.Values.Max(box => box.Width));
        var sizes = All.Items.Select(item =>
        {
            var size = ImageInfo.Read(item.Path);
            var factor = preparation.Downsample
                ?? (preparation.MicrometresPerPixel is { } wanted && size.MicrometresPerPixel is { } own ? wanted / own : 1);
            return (Height: (long)Math.Ceiling(size.Height / factor), Width: (long)Math.Ceiling(size.Width / factor));
        }).ToArray();
        return (sizes.Max(size => size.Height), sizes.Max(size => size.Width));
    }

    /// <summary>The images to learn from.</summary>
    /// <param name="preparation">How files become what the network sees.</param>
    /// <param name="augmentation">What to change at random; null for nothing.</param>
    /// <param name="seed">Decides how.</param>
    public IReadOnlyList<TrainingSample> Training(ImagePreparation preparation, AugmentationOptions? augmentation = null, int seed = 1) =>
        Samples(training, preparation, augmentation, seed, boxes);

    /// <summary>The images to judge by while training.</summary>
    public IReadOnlyList<TrainingSample> Validation(ImagePreparation preparation) => Samples(validation, preparation, boxes: boxes);

    /// <summary>The images to judge by in the end.</summary>
    public IReadOnlyList<TrainingSample> Test(ImagePreparation preparation) => Samples(test, preparation, boxes: boxes);

    /// <summary>Items of a data set as samples.</summary>
    public static IReadOnlyList<TrainingSample> Samples(
        IEnumerable<ImageItem> items,
        ImagePreparation preparation,
        AugmentationOptions? augmentation = null,
        int seed = 1,
        IReadOnlyDictionary<string, ImageRegion>? boxes = null) =>
    [
        .. items.Select(item => new TrainingSample(
            item.Path,
            item.Label,
            use => preparation.Open(
                item.Path,
                use == 0 ? null : augmentation,
                (seed * 1_000_003L) + use,
                boxes is not null && boxes.TryGetValue(item.Path, out var box) ? box : null))
        {
            Targets = item.Targets,
        }),
    ];

    /// <summary>A part with a slip in its name would be learned from, images of the test among them.</summary>
    private static void CheckParts(string path, ImageDataSet data)
    {
        var unknown = data.Items.Where(item => item.Split is { } part && !DataPart.IsKnown(part))
            .Select(item => $"{item.Path}: the part '{item.Split}' is none of {DataPart.Training}, {DataPart.Validation} and {DataPart.Test}").ToArray();
        if (unknown.Length > 0)
            throw new DataSetException(path, unknown);
    }

    /// <summary>The channels that all images have. Headers tell; what cannot be decoded has been found before.</summary>
    private static int CommonChannels(string path, ImageDataSet data)
    {
        var byCount = data.Items.AsParallel().AsOrdered().Select(item => (Item: item, Channels: ImageSource.Channels(item.Path)))
            .AsSequential().GroupBy(image => image.Channels).OrderByDescending(group => group.Count()).ToArray();
        return byCount.Length == 1
            ? byCount[0].Key
            : throw new DataSetException(path, [.. byCount.Skip(1).SelectMany(group => group).Select(image =>
                $"{image.Item.Path}: {image.Channels} channel(s), where most of the images have {byCount[0].Key}")]);
    }
}
