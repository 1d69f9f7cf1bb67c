using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;
using StreamingCnn.Imaging;
using StreamingCnn.Training;
using StreamingCnn.Training.Data;

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
    private const int MostProblems = 20;

    /// <summary>Reads a CSV file or a folder with one folder for each class, and looks into every image before training begins.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="validationShare">Share of each class that is kept for validation.</param>
    /// <param name="seed">Decides which.</param>
    /// <exception cref="InvalidDataException">Something is wrong with the data; all that is found is named.</exception>
    public static LabelledImages Read(string path, double validationShare, int seed)
    {
        var problems = new List<string>();
        var entries = Directory.Exists(path)
            ? ReadFolders(path)
            : File.Exists(path)
                ? ReadTable(path, problems)
                : throw new FileNotFoundException($"There is no file or folder '{path}'.");
        if (entries.Count == 0 && problems.Count == 0)
            problems.Add("there are no images");

        int channels = 0;
        long height = 0, width = 0;
        foreach (var entry in entries)
        {
            try
            {
                using var image = ImageSource.Open(entry.Path);
                if (channels == 0)
                    channels = image.Channels;
                if (image.Channels != channels)
                    problems.Add($"{entry.Place}'{entry.Path}' has {image.Channels} channels, but the images before it have {channels}");
                height = Math.Max(height, image.Height);
                width = Math.Max(width, image.Width);
            }
            catch (ImageFormatException reason)
            {
                problems.Add($"{entry.Place}{reason.Message.TrimEnd('.')}");
            }
        }

        string[] classes = [.. entries.Select(entry => entry.Class).Distinct().Order(StringComparer.Ordinal)];
        if (classes.Length < 2 && problems.Count == 0)
            problems.Add($"all images are of one class, '{classes.FirstOrDefault()}', and there is nothing to tell apart");
        if (problems.Count > 0)
        {
            var more = problems.Count > MostProblems ? $"; and {problems.Count - MostProblems} more" : "";
            throw new InvalidDataException($"The data in '{path}' cannot be used: {string.Join("; ", problems.Take(MostProblems))}{more}.");
        }

        var random = new Random(seed);
        List<TrainingSample> training = [], validation = [];
        for (var label = 0; label < classes.Length; label++)
        {
            var ofClass = entries.Where(entry => entry.Class == classes[label]).ToArray();
            random.Shuffle(ofClass);
            var kept = (int)Math.Round(ofClass.Length * validationShare);
            var samples = ofClass.Select(entry => new TrainingSample(entry.Path, label, () => new NormalisedSource(ImageSource.Open(entry.Path)))).ToArray();
            validation.AddRange(samples.Take(kept));
            training.AddRange(samples.Skip(kept));
        }

        return new(classes, channels, height, width, training, validation);
    }

    private static List<Entry> ReadFolders(string path) =>
    [
        .. Directory.GetDirectories(path).Order(StringComparer.Ordinal).SelectMany(folder => Directory.GetFiles(folder)
            .Where(file => !Path.GetFileName(file).StartsWith('.'))
            .Order(StringComparer.Ordinal)
            .Select(file => new Entry(file, Path.GetFileName(folder), ""))),
    ];

    private static List<Entry> ReadTable(string path, List<string> problems)
    {
        var settings = new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            TrimOptions = TrimOptions.Trim,
            MissingFieldFound = null,
            BadDataFound = null,
            PrepareHeaderForMatch = header => header.Header.ToUpperInvariant(),
        };
        using var reader = new StreamReader(path);
        using var table = new CsvReader(reader, settings);
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var entries = new List<Entry>();
        if (!table.Read() || !table.ReadHeader() || table.GetFieldIndex("IMAGE", isTryGet: true) < 0 || table.GetFieldIndex("LABEL", isTryGet: true) < 0)
        {
            problems.Add($"line 1: the columns are '{string.Join(",", table.HeaderRecord ?? [])}', but 'image' and 'label' are needed");
            return entries;
        }

        while (table.Read())
        {
            var (image, label, line) = (table.GetField("IMAGE"), table.GetField("LABEL"), table.Parser.RawRow);
            if (string.IsNullOrEmpty(image))
                problems.Add($"line {line}: no image is named");
            else if (string.IsNullOrEmpty(label))
                problems.Add($"line {line}: '{image}' has no label");
            else
                entries.Add(new(Path.Combine(folder, image), label, $"line {line}: "));
        }

        return entries;
    }

    private sealed record Entry(string Path, string Class, string Place);
}
