using System.CommandLine;
using System.Globalization;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Cli.Input;

/// <summary>What is to be learned of images, and where it stands: columns of a table, masks, or maps of numbers.</summary>
internal sealed class LabelOptions
{
    private const string UsualLabel = "label";

    public Option<LabelKind> Task { get; } = CommonOptions.Parsed(
        "--task",
        "What the label columns mean: classes (one column that names a class), labels (columns of 0 and 1), "
        + "numbers (columns of numbers to predict), mixed (columns of different kinds, learned by one model); segmentation (a class for each pixel, in the files of the column mask); or maps (numbers for each pixel, such as depth or density, in the files of the column map).",
        text => KindOfColumn(text) ?? text switch
        {
            MixedTask.Name => LabelKind.Mixed,
            SegmentationTask.Name => LabelKind.Mask,
            MapRegressionTask.Name => LabelKind.Map,
            _ => throw new FormatException($"'{text}' is not a task; write classes, labels, numbers, mixed, segmentation or maps."),
        },
        "classes");

    public Option<string[]> Inputs { get; } = CommonOptions.Several(
        "--inputs",
        "Columns of images of one size that are read side by side as one image with the channels of all, separated by commas, such as image,template; "
        + "the first is the one that pictures show. Default: the column image alone.",
        text => text,
        null);

    public Option<string[]> LabelColumns { get; } =
        CommonOptions.Several(
            "--labels",
            "Label columns of the CSV file, separated by commas; of --task mixed each with its kind, such as grade=classes,her2=labels,age=numbers; of --task maps what the channels of maps are called.",
            text => text,
            UsualLabel);

    public Option<string[]> Classes { get; } = CommonOptions.Several(
        "--classes",
        "Of --task segmentation: names of the classes whose values in masks are 0, 1 and so on, separated by commas, or name=value for each; or a text file with one on each line. "
            + "Default: each value that masks have.",
        text => text,
        null);

    public Option<long[]> Ignore { get; } = CommonOptions.Several(
        "--ignore",
        "Of --task segmentation and maps: values in masks or maps of pixels that do not count, separated by commas.",
        text => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new FormatException($"'{text}' is no value of a mask; write a whole number, such as 255."),
        null);

    public Option<double?> BoxCore { get; } = CommonOptions.BoxCore(
        "found boxes are made larger by as much. A pixel of several boxes is of the nearest. Default: whole boxes, which must not lie on one another.");

    public Option<bool> IgnoreUnlabelled { get; } = new("--ignore-unlabelled")
    {
        Description = "Of --task segmentation with drawn masks: what no shape covers does not count, "
            + "as where some parts of images were annotated. Without it that is of the first class.",
    };

    public Option<bool> LiteralLabels { get; } = new("--literal-labels")
    {
        Description = "Take every text for a class as it stands: "
            + "also NA, none and others that programs write for a missing value, which are refused otherwise, and 0 and 0.0 for two.",
    };

    public IEnumerable<Option> All => [Task, Inputs, LabelColumns, Classes, Ignore, BoxCore, IgnoreUnlabelled, LiteralLabels];

    /// <exception cref="ArgumentException">Columns of different kinds do not say of which.</exception>
    public CsvOptions Columns(ParseResult parsed)
    {
        var columns = new CsvOptions
        {
            Labels = parsed.GetValue(Task),
            LabelColumns = parsed.GetValue(LabelColumns)!,
            LiteralLabels = parsed.GetValue(LiteralLabels),
        };
        if (columns.Labels == LabelKind.Map)
            columns = columns with { MaskColumn = "map" };
        if (parsed.GetValue(Inputs) is [var first, .. { Length: > 0 } further])
            columns = columns with { ImageColumn = first, FurtherColumns = further };
        if (columns.Labels != LabelKind.Mixed)
            return columns;
        var kinds = columns.LabelColumns.Select(Kind).ToArray();
        return columns with
        {
            LabelColumns = [.. kinds.Select(column => column.Name)],
            ColumnKinds = [.. kinds.Select(column => column.Kind)],
        };
    }

    private static (string Name, LabelKind Kind) Kind(string column)
    {
        var place = column.LastIndexOf('=');
        return place > 0 && KindOfColumn(column[(place + 1)..]) is { } known
            ? (column[..place], known)
            : throw new ArgumentException(
                $"--task mixed has columns of different kinds, and '{column}' does not say which it is; write it as {(place > 0 ? column[..place] : column)}=classes, =labels or =numbers.");
    }

    /// <summary>What a column of images' labels holds; null for what is no kind of such a column.</summary>
    private static LabelKind? KindOfColumn(string word) => word switch
    {
        "classes" => LabelKind.Class,
        "labels" => LabelKind.MultiLabel,
        "numbers" => LabelKind.Regression,
        _ => null,
    };

    /// <summary>The classes of masks.</summary>
    /// <exception cref="ArgumentException">They are not named as they should be.</exception>
    public MaskClasses Masks(ParseResult parsed)
    {
        var texts = parsed.GetValue(Classes) ?? [];
        if (texts is [var file] && File.Exists(file))
            texts = [.. File.ReadAllLines(file).Select(line => line.Trim()).Where(line => line.Length > 0)];
        try
        {
            return new()
            {
                Classes = MaskClasses.Parse(texts),
                Ignored = parsed.GetValue(Ignore) ?? [],
                BoxCore = parsed.GetValue(BoxCore),
                IgnoresUnlabelled = parsed.GetValue(IgnoreUnlabelled),
            };
        }
        catch (FormatException problem)
        {
            throw new ArgumentException(problem.Message, problem);
        }
    }

    /// <summary>The numbers of maps.</summary>
    public MapNumbers Numbers(ParseResult parsed) => new()
    {
        // The usual column of labels is no name that a person has given; the record of a run has it all the same.
        Names = parsed.GetValue(LabelColumns) is { } names and not [UsualLabel] ? names : [],
        Missing = parsed.GetValue(Ignore) ?? [],
    };
}
