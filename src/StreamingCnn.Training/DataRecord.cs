using System.Globalization;
using System.Text.Json;

namespace StreamingCnn.Training;

/// <summary>What a run learned from and was judged by, image by image, so that it goes on with the same and nothing else.</summary>
/// <param name="Training">The images to learn from, in their order.</param>
/// <param name="Validation">The images to judge by.</param>
internal sealed record DataRecord(IReadOnlyList<SampleRecord> Training, IReadOnlyList<SampleRecord> Validation)
{
    private const int MostNames = 3;

    /// <summary>Looks at the images: see <see cref="FileContent"/> for how much of each.</summary>
    /// <exception cref="TrainingException">A file cannot be read.</exception>
    public static DataRecord Of(IReadOnlyList<TrainingSample> training, IReadOnlyList<TrainingSample> validation) =>
        new(SampleRecord.Of(training), SampleRecord.Of(validation));

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this);

    public static DataRecord FromBytes(byte[] bytes) => JsonSerializer.Deserialize<DataRecord>(bytes)!;

    /// <summary>What is not as it was, in words; null where all is.</summary>
    public string? DifferenceFrom(DataRecord before)
    {
        var (old, now) = (before.CommonFolder().Length, CommonFolder().Length);
        string[] differences =
        [
            .. Differences("training", before.Training, old, Training, now),
            .. Differences("validation", before.Validation, old, Validation, now),
        ];
        return differences.Length == 0 ? null : string.Join(", ", differences);
    }

    private static IEnumerable<string> Differences(
        string part, IReadOnlyList<SampleRecord> before, int beforeFolder, IReadOnlyList<SampleRecord> now, int folder)
    {
        if (before.Count == now.Count && before.Zip(now).All(pair => pair.First.IsSameAs(pair.Second)))
            yield break;
        var (old, present) = (ByName(before, beforeFolder), ByName(now, folder));
        var both = present.Where(image => old.ContainsKey(image.Key)).ToArray();
        (string What, string[] Names)[] kinds =
        [
            ("with other content", [.. both.Where(image => image.Value.Content != old[image.Key].Content).Select(image => image.Key)]),
            (
                "with another label, weight or resolution",
                [.. both.Where(image => image.Value.Label != old[image.Key].Label).Select(image => image.Key)]),
            ("fewer", [.. old.Keys.Where(name => !present.ContainsKey(name))]),
            ("more", [.. present.Keys.Where(name => !old.ContainsKey(name))]),
        ];
        foreach (var (what, names) in kinds.Where(kind => kind.Names.Length > 0))
        {
            var said = string.Join(", ", names.Take(MostNames));
            var more = names.Length > MostNames ? ", …" : "";
            yield return $"{names.Length} {part} image{(names.Length == 1 ? "" : "s")} {what} ({said}{more})";
        }

        if (kinds.All(kind => kind.Names.Length == 0))
        {
            yield return before.Count == now.Count
                ? $"the {part} images in another order"
                : $"{now.Count} instead of {before.Count} {part} images";
        }
    }

    /// <summary>The folder that all images lie in, with a separator at its end; it may have been moved.</summary>
    private string CommonFolder()
    {
        string? common = null;
        foreach (var image in Training.Concat(Validation))
        {
            common ??= image.Name[..(image.Name.LastIndexOfAny(['/', '\\']) + 1)];
            while (!image.Name.StartsWith(common, StringComparison.Ordinal))
                common = common[..(common.AsSpan()[..^1].LastIndexOfAny('/', '\\') + 1)];
        }

        return common ?? "";
    }

    /// <summary>Images by their names in that folder; of several lines with one name, the last.</summary>
    private static Dictionary<string, SampleRecord> ByName(IReadOnlyList<SampleRecord> images, int folder)
    {
        var byName = new Dictionary<string, SampleRecord>();
        foreach (var image in images)
            byName[image.Name[folder..]] = image;
        return byName;
    }
}

/// <summary>An image of a run.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Label">Its label, and whatever else the data set says of it.</param>
/// <param name="Content">Fingerprint of its files; empty where it comes from none.</param>
internal sealed record SampleRecord(string Name, string Label, string Content)
{
    public static IReadOnlyList<SampleRecord> Of(IReadOnlyList<TrainingSample> samples) => [.. samples.AsParallel().AsOrdered().Select(Of)];

    /// <summary>A file may have been moved with its folder: it is what is in it.</summary>
    public bool IsSameAs(SampleRecord other) =>
        Label == other.Label && Content == other.Content && (Content.Length > 0 || Name == other.Name);

    /// <summary>Its label, and whatever else the data set says of it.</summary>
    public static string LabelOf(TrainingSample sample)
    {
        var targets = string.Concat(sample.Targets.Select(value => string.Create(CultureInfo.InvariantCulture, $" {value:R}")));
        var reading = sample.Reading.Length > 0 ? $"; {sample.Reading}" : "";
        var weight = sample.Weight == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"; weight {sample.Weight:R}");
        return $"{sample.Label}{targets}{reading}{weight}";
    }

    private static SampleRecord Of(TrainingSample sample)
    {
        try
        {
            return new(sample.Name, LabelOf(sample), sample.Files.Count == 0 ? "" : FileContent.Of(sample.Files));
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            throw new TrainingException($"Image '{sample.Name}' cannot be worked on: {reason.Message}", reason);
        }
    }
}
