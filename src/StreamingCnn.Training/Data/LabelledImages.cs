using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Augmentation;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Data;

/// <summary>A data set that is ready for training: every image has been looked into, and every one has its part.</summary>
public sealed class LabelledImages
{
    private readonly IReadOnlyList<ImageItem> training;
    private readonly IReadOnlyList<ImageItem> validation;
    private readonly IReadOnlyList<ImageItem> test;

    private LabelledImages(LearningTask task, int channels, ImageDataSet all, IReadOnlyList<ImageItem> training, IReadOnlyList<ImageItem> validation, IReadOnlyList<ImageItem> test)
    {
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
        var channels = CommonChannels(path, data);

        var byPart = data.Items.ToLookup(item => DataPart.Of(item.Split));
        var (training, validation) = (byPart[DataPart.Training].ToArray(), byPart[DataPart.Validation].ToArray());
        if (validation.Length == 0 && validationShare > 0)
        {
            var (first, second) = data.Where(training.Contains).Stratified(validationShare, seed);
            (training, validation) = ([.. first.Items], [.. second.Items]);
        }

        return training.Length > 0
            ? new(task, channels, data, training, validation, [.. byPart[DataPart.Test]])
            : throw new DataSetException(path, [$"no image is in the part '{DataPart.Training}', so there is nothing to learn from"]);
    }

    /// <summary>Height of the tallest and width of the widest image, as the network sees them.</summary>
    public (long Height, long Width) LargestSize(ImagePreparation preparation)
    {
        ArgumentNullException.ThrowIfNull(preparation);
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
        Samples(training, preparation, augmentation, seed);

    /// <summary>The images to judge by while training.</summary>
    public IReadOnlyList<TrainingSample> Validation(ImagePreparation preparation) => Samples(validation, preparation);

    /// <summary>The images to judge by in the end.</summary>
    public IReadOnlyList<TrainingSample> Test(ImagePreparation preparation) => Samples(test, preparation);

    /// <summary>Items of a data set as samples.</summary>
    public static IReadOnlyList<TrainingSample> Samples(
        IEnumerable<ImageItem> items, ImagePreparation preparation, AugmentationOptions? augmentation = null, int seed = 1) =>
    [
        .. items.Select((item, i) => new TrainingSample(
            item.Path, item.Label, use => preparation.Open(item.Path, use == 0 ? null : augmentation, (seed * 1_000_003L) + use))
        {
            Targets = item.Targets,
        }),
    ];

    /// <summary>The channels that all images have. What cannot be opened at all has been found before.</summary>
    private static int CommonChannels(string path, ImageDataSet data)
    {
        var byCount = data.Items.AsParallel().AsOrdered().Select(item =>
        {
            using var image = ImageSource.Open(item.Path);
            return (Item: item, image.Channels);
        }).AsSequential().GroupBy(image => image.Channels).OrderByDescending(group => group.Count()).ToArray();
        return byCount.Length == 1
            ? byCount[0].Key
            : throw new DataSetException(path, [.. byCount.Skip(1).SelectMany(group => group).Select(image =>
                $"{image.Item.Path}: {image.Channels} channel(s), where most of the images have {byCount[0].Key}")]);
    }
}
