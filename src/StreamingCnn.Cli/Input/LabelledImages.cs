using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training;

namespace StreamingCnn.Cli.Input;

/// <summary>Images with their classes, split for training and validation.</summary>
/// <param name="Classes">Names of the classes; a sample's label is an index into them.</param>
/// <param name="Channels">Channels of every image.</param>
/// <param name="LargestHeight">Height of the tallest image.</param>
/// <param name="LargestWidth">Width of the widest image.</param>
/// <param name="Training">Images to learn from.</param>
/// <param name="Validation">Images to judge by.</param>
internal sealed record LabelledImages(
    IReadOnlyList<string> Classes,
    int Channels,
    long LargestHeight,
    long LargestWidth,
    IReadOnlyList<TrainingSample> Training,
    IReadOnlyList<TrainingSample> Validation)
{
    private const string TrainingPart = "train";

    // What data sets call the part to judge by, in the order of preference.
    private static readonly string[] ValidationParts = ["val", "valid", "validation", "test"];

    /// <summary>Reads a CSV file or a folder with one folder for each class, and looks into every image before training begins.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="validationShare">Share of each class that is kept for validation, where the file has no column <c>split</c>.</param>
    /// <param name="seed">Decides which.</param>
    /// <exception cref="DataSetException">Something is wrong with the data; all that is found is named.</exception>
    public static LabelledImages Read(string path, double validationShare, int seed)
    {
        var data = Directory.Exists(path) ? ImageDataSet.FromFolders(path) : ImageDataSet.FromCsv(path);
        if (data.Classes.Count < 2)
            throw new DataSetException(path, [$"all images are of one class, '{data.Classes[0]}', and there is nothing to tell apart"]);

        var sizes = data.Items.Select(item => ImageInfo.Read(item.Path)).ToArray();
        var channels = CommonChannels(path, data);
        var (training, validation) = Parts(data, validationShare, seed);
        return new(
            data.Classes, channels, sizes.Max(size => size.Height), sizes.Max(size => size.Width), Samples(training.Items), Samples(validation));
    }

    /// <summary>Opens every image, which finds those whose pixels are damaged.</summary>
    private static int CommonChannels(string path, ImageDataSet data)
    {
        var byCount = data.Items.GroupBy(item =>
        {
            using var image = ImageSource.Open(item.Path);
            return image.Channels;
        }).OrderByDescending(group => group.Count()).ToArray();
        return byCount.Length == 1
            ? byCount[0].Key
            : throw new DataSetException(path, [.. byCount.Skip(1).SelectMany(group => group.Select(item =>
                $"{item.Path}: {group.Key} channel(s), where most of the images have {byCount[0].Key}"))]);
    }

    private static (ImageDataSet Training, IReadOnlyList<ImageItem> Validation) Parts(ImageDataSet data, double validationShare, int seed)
    {
        var parts = data.Items.Select(item => item.Split?.ToLowerInvariant()).ToHashSet();
        if (parts.Contains(TrainingPart))
            return (data.Part(TrainingPart), ValidationParts.FirstOrDefault(parts.Contains) is { } name ? data.Part(name).Items : []);
        if (validationShare == 0)
            return (data, []);
        var (training, validation) = data.Stratified(validationShare, seed);
        return (training, validation.Items);
    }

    private static TrainingSample[] Samples(IEnumerable<ImageItem> items) =>
        [.. items.Select(item => new TrainingSample(item.Path, item.Label, () => new NormalizedSource(ImageSource.Open(item.Path), Normalization.Symmetric)))];
}
