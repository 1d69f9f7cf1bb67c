using System.CommandLine;
using System.Globalization;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging.Augmentation;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Models;
using StreamingCnn.Training;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Cli.Commands;

/// <summary>The options of <c>scnn train</c>, and what they become; <see cref="TrainRefusals"/> says which are refused.</summary>
internal sealed class TrainOptions
{
    private const string Score = "score";
    private const string Shift = "offset";
    private const int UsualShift = 8;
    private const int GreatestShift = 4096;

    private readonly Option<int> save = CommonOptions.Number(
        "--save-every", "Images after which the checkpoint is written within an epoch; 0 for after epochs alone.", 0, 0);

    private static readonly OrderedDictionary<string, Func<AugmentationOptions, AugmentationOptions>> Augmentations = new()
    {
        ["mirror"] = options => options with { Mirror = true },
        ["flip"] = options => options with { Flip = true },
        ["turn"] = options => options with { QuarterTurns = true },
        ["rotate"] = options => options with { Rotation = 180 },
        ["elastic"] = options => options with { Elastic = 16 },
        ["colour"] = options => options with { Brightness = 0.1, Contrast = 0.1, Saturation = 0.1, Hue = 6 },
        ["stain"] = options => options with { Stain = 0.1 },
        ["cutout"] = options => options with { Cutouts = 3 },
        [Shift] = options => options with { Offset = UsualShift },
    };

    public Argument<string?> Data { get; } = new("data")
    {
        Description = "CSV file with the columns image,label, or image,mask for --task segmentation, image,map for --task maps (paths relative to the file; optional column split: train, validation, test), "
            + "or a folder with one folder of images for each class.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public Option<bool> Demo { get; } =
        new("--demo") { Description = "Make small images with and without a needle and train on them; under three minutes." };

    public Option<string?> Config { get; } = new("--config") { Description = "JSON file with options, named as here without the dashes." };

    public Option<string?> Resume { get; } =
        new("--resume") { Description = "Folder of a run that was interrupted, to go on with; it knows its options." };

    public Option<bool> DryRun { get; } = new("--dry-run")
    {
        Description = "Read the table and look into every image, print what would be trained and what it would cost, and end without training or writing anything.",
    };

    public Option<int?> FindRate { get; } = CommonOptions.OptionalNumber(
        "--find-rate",
        "Look for a learning rate instead of training: make so many updates, such as 100, at rates that grow from 1e-7 to 10, until the loss diverges; "
        + "name the rate at which the loss fell most steeply; and write rates.csv and rates.png.",
        LearningRateSearch.FewestUpdates);

    public Option<string?> Output { get; } =
        new("--output", "-o") { Description = "Folder for all that the run writes. Default: a new one under runs." };

    public Option<string?> Mlflow { get; } = new("--mlflow")
    {
        Description = "Folder, such as mlruns, to write the run to in MLflow's file layout as well: options, numbers of each epoch, final metrics, report. "
            + "Default: files for TensorBoard alone.",
    };

    public Option<int> Worst { get; } = CommonOptions.Worst();

    public LabelOptions Labels { get; } = new();

    public Option<string?> Group { get; } = new("--group")
    {
        Description = "Column of the CSV file that says what an image belongs to, such as a patient: no group comes to stand on both sides of a split, "
            + "and intervals come from drawing groups. Default: images are independent of each other.",
    };

    public Option<int?> Folds { get; } = CommonOptions.OptionalNumber(
        "--folds",
        "Cross-validation: divide the images into so many folds, train for each a model on the others, judge it on that one, and report on all. "
        + "Default: one model, by the column split.",
        2);

    public Option<int?> Fold { get; } = CommonOptions.OptionalNumber("--fold", "Do this fold alone, from 1. Default: all of --folds.", 1);

    public Option<string> Model { get; } = CommonOptions.Model("small");

    public Option<NormKind> Norm { get; } = CommonOptions.Norm();

    public Option<string?> Weights { get; } = new("--weights")
    {
        Description = "Weights of the trunk to start from: safetensors, PyTorch's .pth or .th, or .onnx (read as data, nothing in it is executed), with torchvision's names.",
    };

    public Option<string?> WeightsPrefix { get; } = new("--weights-prefix")
    {
        Description = "What stands before the trunk's names in the file of weights, such as backbone. or teacher.backbone., "
            + "or \"\" for nothing. Default: what makes all names fit.",
    };

    public Option<bool> KeepHead { get; } = new("--keep-head")
    {
        Description = "With --weights of a model that scnn trained for the same task and classes: begin with its head as well, "
            + "not with a new one.",
    };

    public PoolingOptions Pooling { get; } = new();

    public Option<double> Dropout { get; } = CommonOptions.Share(
        "--dropout", "Share of the pooled features to drop in training, from 0 to below 1.", 0);

    public Option<(int Height, int Width)?> Tile { get; } = CommonOptions.Tile();

    public Option<long?> Memory { get; } = CommonOptions.Memory();

    public Option<ComputePrecision> Compute { get; } = CommonOptions.Compute();

    public Option<ComputeDevice> Device { get; } = CommonOptions.Device();

    public CarryOptions Carry { get; } = new();

    public Option<bool> SplitImage { get; } = CommonOptions.SplitImage();

    public Option<bool> SyncNorm { get; } = new("--sync-norm")
    {
        Description = "Of several processes that have an image each, batch norms take the statistics of all their images together, as of one batch. With --norm batch.",
    };

    public Option<double?> Downsample { get; } = CommonOptions.Downsample(
        "Factor by which images are made smaller, at least 1. Default: full resolution.");

    public Option<double?> Resolution { get; } = CommonOptions.OptionalReal(
        "--mpp", "Resolution of images in micrometres per pixel. Default: that of the files.", 0, double.MaxValue);

    public Option<double?> ResolutionOfFiles { get; } = CommonOptions.ResolutionOfFiles(
        "Default: the column mpp where the CSV file has one, otherwise such files are refused with --mpp.");

    public Option<int?> Channels { get; } = CommonOptions.OptionalNumber(
        "--channels",
        "Channels of every image: 1 (all as grey), 3 (all as colour, grey being repeated), or another number that all files have. "
        + "Default: what the files have.",
        1);

    public Option<ForegroundRule> Foreground { get; } = CommonOptions.Choice(
        "--foreground",
        "Look at the foreground of images alone, found by Otsu's threshold or from the files in the column mask",
        ForegroundRule.None);

    public ReadingOptions Reading { get; } = new();

    public Option<PixelScaling> Normalize { get; } = CommonOptions.Choice(
        "--normalize",
        "How pixels are scaled (auto: symmetric for images of 8 bits, measured for all others; "
        + "symmetric: 0 to 255, or --range, becomes -1 to 1; "
        + "imagenet: by ImageNet's mean and deviation, for weights that were trained with them; "
        + "measured: by mean and deviation of the training images; none: values as they are)",
        PixelScaling.Auto);

    public Option<(double Low, double High)?> Range { get; } = CommonOptions.Parsed<(double, double)?>(
        "--range",
        "Lowest and highest value of the images as they are stored, LOW,HIGH, which symmetric and imagenet take for 0 and 255. "
        + "Default: 0,255, in samples of 9 to 16 bits the whole range of those.",
        text => text.Split(',') is [var low, var high]
            && double.TryParse(low, NumberStyles.Float, CultureInfo.InvariantCulture, out var first)
            && double.TryParse(high, NumberStyles.Float, CultureInfo.InvariantCulture, out var last)
            && first < last
            && double.IsFinite(last - first)
            ? (first, last)
            : throw new FormatException(
                $"'{text}' is no range of values; write the lowest and the highest with a comma between, such as 0,4095."),
        null);

    public Option<string[]> Augment { get; } = CommonOptions.Several(
        "--augment",
        "Random changes of training images, separated by commas: mirror, flip, turn, rotate, elastic, colour, stain, cutout, offset. "
        + "offset moves each image of --inputs but the first by up to 8 pixels along each axis, offset:4 by up to 4, offset:4:0.5 in half of the steps.",
        text => Change(text) is not null
            ? text
            : throw new FormatException($"'{text}' is no change of images; write some of {string.Join(", ", Augmentations.Keys)}."),
        null);

    public Option<(int Height, int Width)?> Crop { get; } = CommonOptions.Parsed<(int, int)?>(
        "--crop",
        "Size in pixels of a random part of each training image, HEIGHTxWIDTH or one number for a square; smaller images are padded. "
        + "Default: whole images.",
        text => PixelSize.Parse(text),
        null);

    public Option<double> ValidationShare { get; } =
        CommonOptions.Share(
            "--validation",
            "Share of the images to keep for validation, from 0 to below 1, where the CSV file has no part of that name.",
            0.2);

    public UpdateOptions Updates { get; } = new();

    public ObjectiveOptions Objective { get; } = new();

    public Option<string?> Weight { get; } = new("--weight")
    {
        Description =
            "Column of the CSV file that says how much each image counts in learning, a number of at least 0. Default: all count once.",
    };

    public Option<string> Monitor { get; } = CommonOptions.Parsed(
        "--monitor",
        "What the best epoch is chosen by, of the validation images, ties by the loss, and what --patience waits for: score (that of the task), loss, "
        + "or another metric of the report, such as auc, balanced-accuracy, f1 or log-loss.",
        text => text.ToLowerInvariant(),
        Score);

    public Option<OperatingRule?> OperatingPoint { get; } = CommonOptions.Parsed<OperatingRule?>(
        "--operating-point",
        "Choose from which probability on the second class, or each label, is called, by the validation images: sensitivity=0.95, specificity=0.9, or cost=5 "
        + "where a miss costs five false alarms. The model keeps it. Default: the most probable class, labels from 0.5 on.",
        text => OperatingRule.Parse(text)
            ?? throw new FormatException(
                $"'{text}' is no operating point; write sensitivity=0.95, specificity=0.9 or cost=5, with shares above 0 and up to 1."),
        null);

    public Option<bool> Calibrate { get; } = new("--calibrate")
    {
        Description = "Divide scores by a temperature, fitted on the validation images, so that probabilities come true as often as they say. The model keeps it.",
    };

    public Option<int> Seed { get; } = CommonOptions.Number("--seed", "Seed of weights, split, order and random changes.", 1, 0);

    public IEnumerable<Option> All =>
    [
        Demo, Config, Resume, DryRun, FindRate, Output, Mlflow, Worst, .. Labels.All, Group, Folds, Fold,
        Model, Norm, Weights, WeightsPrefix, KeepHead, Pooling.Pooling, Pooling.Number, Dropout, Tile, Memory, Device,
        .. Carry.All, SplitImage, SyncNorm, Compute, Downsample, Resolution, ResolutionOfFiles, Channels, Foreground, .. Reading.All,
        Normalize, Range, Augment, Crop, ValidationShare, .. Updates.All, .. Objective.All,
        Weight, Monitor, OperatingPoint, Calibrate, save, Seed,
    ];

    /// <summary>What a table's columns mean.</summary>
    /// <exception cref="ArgumentException">Columns of different kinds do not say of which.</exception>
    public CsvOptions Columns(ParseResult parsed) => Labels.Columns(parsed) with
    {
        GroupColumn = parsed.GetValue(Group),
        WeightColumn = parsed.GetValue(Weight),
    };

    /// <summary>What is monitored beside the score; null for nothing.</summary>
    public string? MonitorOf(ParseResult parsed) => parsed.GetValue(Monitor) is { } name && name != Score ? name : null;

    public FoldChoice? FoldOf(ParseResult parsed) =>
        parsed.GetValue(Folds) is { } count && parsed.GetValue(Fold) is { } number ? new(number, count) : null;

    public AugmentationOptions? Augmentation(ParseResult parsed)
    {
        var (names, size) = (parsed.GetValue(Augment) ?? [], parsed.GetValue(Crop));
        if (names.Length == 0 && size is null)
            return null;
        return names.Aggregate(new AugmentationOptions { Crop = size }, (options, name) => Change(name)!(options));
    }

    /// <summary>Whether one of several images is to be moved against the others.</summary>
    public bool HasOffset(ParseResult parsed) => Augmentation(parsed) is { Offset: > 0 };

    /// <summary>What a word of <c>--augment</c> stands for; null where it is none.</summary>
    private static Func<AugmentationOptions, AugmentationOptions>? Change(string text)
    {
        if (!text.StartsWith($"{Shift}:", StringComparison.Ordinal))
            return Augmentations.GetValueOrDefault(text);
        var share = 1.0;
        var parts = text.Split(':');
        return parts.Length <= 3
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var most)
            && most is >= 1 and <= GreatestShift
            && (parts.Length == 2 || double.TryParse(parts[2], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out share))
            && share is > 0 and <= 1
            ? options => options with { Offset = most, OffsetShare = share }
            : throw new FormatException($"'{text}' does not say how far images are moved; write the most pixels, from 1 to 4096, such as offset:4, and a share of the images behind it, such as offset:4:0.5.");
    }

    public TrainingOptions Training(ParseResult parsed, string checkpoint, TrainingSet set) => Updates.Of(parsed) with
    {
        Monitor = MonitorOf(parsed),
        Loss = Objective.Of(parsed, set.Description.Task, set.Training),
        Seed = parsed.GetValue(Seed),
        Checkpoint = checkpoint,
        CheckpointInterval = parsed.GetValue(save),
        Conditions = Conditions(parsed, set.Description),
    };

    /// <summary>
    /// What decides the outcome beside the settings of training. The planner's share, which is rounding at most, may
    /// change.
    /// </summary>
    private Dictionary<string, string> Conditions(ParseResult parsed, ModelDescription description)
    {
        var conditions = new Dictionary<string, string>(description.ToMetadata())
        {
            ["model"] = TrunkSource.IsOwn(description.Trunk) || TrunkSource.IsOnnx(description.Trunk)
                ? Path.GetFileName(description.Trunk)
                : description.Trunk.ToLowerInvariant(),
            ["dropout"] = description.Dropout.ToString(CultureInfo.InvariantCulture),
            ["compute"] = parsed.GetValue(Compute).ToString(),
        };
        if (parsed.GetValue(Augment) is { Length: > 0 } changes)
            conditions["augment"] = string.Join(',', changes.Order(StringComparer.Ordinal));
        if (parsed.GetValue(Crop) is var (height, width))
            conditions["crop"] = string.Create(CultureInfo.InvariantCulture, $"{height}x{width}");
        return conditions;
    }
}
