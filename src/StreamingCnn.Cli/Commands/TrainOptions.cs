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

/// <summary>What a map is learned by.</summary>
internal enum PixelLoss
{
    /// <summary>What is usual: cross-entropy of classes, the squared error of numbers.</summary>
    Usual,

    /// <summary>Cross-entropy.</summary>
    CrossEntropy,

    /// <summary>Soft Dice.</summary>
    Dice,

    /// <summary>Both in sum.</summary>
    DiceCrossEntropy,

    /// <summary>Focal loss.</summary>
    Focal,

    /// <summary>Squared error.</summary>
    Squared,

    /// <summary>Absolute error.</summary>
    Absolute,
}

/// <summary>The options of <c>scnn train</c>, and what they become; <see cref="TrainRefusals"/> says which are refused.</summary>
internal sealed class TrainOptions
{
    private const string Score = "score";
    private const string UsualLabel = "label";
    private const double UsualFocalExponent = 2;

    private readonly Option<double> rate = CommonOptions.Real("--rate", "Learning rate.", 1e-3, double.Epsilon, 1e6, "above 0");
    private readonly Option<double?> trunkRate = CommonOptions.OptionalReal(
        "--trunk-rate",
        "Share of the learning rate that the trunk gets, the head having all of it, such as 0.1 for pretrained weights. Default: all of it.",
        0,
        1);
    private readonly Option<double?> layerDecay = CommonOptions.OptionalReal(
        "--layer-decay",
        "By what the learning rate is multiplied from each layer or numbered block of the trunk to the one before it, such as 0.7. "
        + "Default: all layers have the same.",
        0,
        1);
    private readonly Option<double> decay = CommonOptions.Real("--decay", "Weight decay.", 1e-4, 0, 1e6, "of at least 0");
    private readonly Option<double?> clip = CommonOptions.OptionalReal(
        "--clip", "Largest norm of the gradients. Default: no limit.", 0, double.MaxValue);
    private readonly Option<double?> average = CommonOptions.OptionalReal(
        "--average", "Decay of a running average of the weights, such as 0.99; the average is the outcome. Default: none.", 0, 0.9999999);
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

    public Option<PixelLoss> Loss { get; } = CommonOptions.Parsed(
        "--loss",
        "What is learned by, of --task segmentation cross-entropy, dice (the soft Dice loss), dice-cross-entropy (both in sum), or focal (whose exponent is --focal, or 2); of --task maps squared or absolute (the error), or squared with --huber. "
            + "Default: cross-entropy, or squared.",
        text => text switch
        {
            "cross-entropy" => PixelLoss.CrossEntropy,
            "dice" => PixelLoss.Dice,
            "dice-cross-entropy" => PixelLoss.DiceCrossEntropy,
            "focal" => PixelLoss.Focal,
            "squared" => PixelLoss.Squared,
            "absolute" => PixelLoss.Absolute,
            _ => throw new FormatException($"'{text}' is no loss; write cross-entropy, dice, dice-cross-entropy or focal, or of maps of numbers squared or absolute."),
        },
        null);

    public Option<bool> LiteralLabels { get; } = new("--literal-labels")
    {
        Description = "Take every text for a class as it stands: "
            + "also NA, none and others that programs write for a missing value, which are refused otherwise, and 0 and 0.0 for two.",
    };

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
        "Random changes of training images, separated by commas: mirror, flip, turn, rotate, elastic, colour, stain, cutout.",
        text => Augmentations.ContainsKey(text)
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

    public Option<int> Epochs { get; } = CommonOptions.Number("--epochs", "Passes over the training images.", 8, 1);

    public Option<int> Batch { get; } = CommonOptions.Number("--batch", "Images whose gradients are added up before each update.", 4, 1);

    public Option<OptimizerKind> Optimizer { get; } = CommonOptions.Choice("--optimizer", "How weights are updated", OptimizerKind.AdamW);

    public Option<double> Momentum { get; } =
        CommonOptions.Real("--momentum", "Momentum of sgd, from 0 to below 1.", 0.9, 0, 0.99999, "from 0 to below 1");

    public Option<LearningRateSchedule> Schedule { get; } = CommonOptions.Choice(
        "--schedule",
        "How the learning rate changes (cosine: falls to 0; step: a tenth after half of the updates, a hundredth after three quarters; "
        + "plateau: a tenth after --plateau epochs without a lower loss)",
        LearningRateSchedule.Constant);

    public Option<int> WarmUp { get; } =
        CommonOptions.Number("--warm-up", "Updates at the start in which the learning rate rises.", 0, 0);

    public Option<int> Plateau { get; } = CommonOptions.Number(
        "--plateau", "Epochs without a lower loss after which the schedule plateau lowers the learning rate.", 5, 1);

    public Option<int> Freeze { get; } =
        CommonOptions.Number("--freeze", "Epochs at the start in which the head alone learns; at most --epochs.", 0, 0);

    public Option<bool> Balanced { get; } =
        new("--balanced") { Description = "Draw images so that every class is as likely as any other." };

    public Option<int> Patience { get; } =
        CommonOptions.Number("--patience", "Stop after so many epochs without a better validation score; 0 for never.", 0, 0);

    private readonly Option<double> focal = CommonOptions.Real(
        "--focal", "Exponent of the focal loss, by which images that are right already count less, such as 2; 0 for cross-entropy.", 0,
            0, 10, "from 0 to 10");

    private readonly Option<double> smoothing = CommonOptions.Share("--label-smoothing",
        "Share of certainty given to all classes alike, from 0 to below 1.", 0);

    public Option<double> InstanceLoss { get; } = CommonOptions.Share(
        "--instance-loss",
        "Of --pooling attention with --task classes: share of the loss of single positions of the feature map, from 0 to below 1, such as 0.3; "
        + "those with the most attention are taken to be of the image's class, those with the least not (CLAM).",
        0);

    public Option<int> Instances { get; } = CommonOptions.Number(
        "--instances", "Positions with the most attention, and as many with the least, that --instance-loss is about.", 8, 1);

    public Option<string[]> Ordinal { get; } = CommonOptions.Several(
        "--ordinal",
        "Of --task classes: names of the classes from the least to the greatest, separated by commas, such as benign,atypical,malignant. "
        + "A mistake then counts the more the further it is off. Default: classes have no order.",
        text => text,
        null);

    private readonly Option<double?> huber = CommonOptions.OptionalReal(
        "--huber",
            "Of --task numbers and maps: distance from which on an error counts linearly and no more by its square; of maps in standard deviations of the number. Default: by its square.",
            0,
            double.MaxValue);

    public Option<ClassWeighting?> ClassWeights { get; } = CommonOptions.Parsed<ClassWeighting?>(
        "--class-weights",
        "How much an image of each class counts in learning, or one that has each label: balanced, or numbers in the order of the classes, separated by commas. Default: all count once.",
        text => new(text == "balanced"
            ? null
            : [.. text.Split(',')
                .Select(number =>
                    NumberText.Real(number, "--class-weights", value => value >= 0 && double.IsFinite(value), "of at least 0"))]),
        null);

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
        Demo, Config, Resume, DryRun, FindRate, Output, Mlflow, Worst, Task, Inputs,
        LabelColumns, Classes, Ignore, BoxCore, Loss, LiteralLabels,
        Group, Folds, Fold,
        Model, Norm, Weights, WeightsPrefix, Pooling.Pooling, Pooling.Number, Dropout, Tile, Memory, Device,
        .. Carry.All, SplitImage, SyncNorm, Compute, Downsample, Resolution, ResolutionOfFiles, Channels, Foreground, .. Reading.All,
        Normalize, Range, Augment, Crop, ValidationShare, Epochs, Batch,
        Optimizer, rate, trunkRate, layerDecay, decay, Momentum, Schedule, WarmUp, Plateau, clip, average, Freeze, Balanced, Patience,
        focal, smoothing, InstanceLoss, Instances, Ordinal, huber, ClassWeights, Weight, Monitor, OperatingPoint, Calibrate, save, Seed,
    ];

    /// <exception cref="ArgumentException">Columns of different kinds do not say of which.</exception>
    public CsvOptions Columns(ParseResult parsed)
    {
        var columns = new CsvOptions
        {
            Labels = parsed.GetValue(Task),
            LabelColumns = parsed.GetValue(LabelColumns)!,
            LiteralLabels = parsed.GetValue(LiteralLabels),
            GroupColumn = parsed.GetValue(Group),
            WeightColumn = parsed.GetValue(Weight),
        };
        columns = columns with { MaskColumn = columns.Labels == LabelKind.Map ? "map" : columns.MaskColumn };
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

    /// <summary>What is monitored beside the score; null for nothing.</summary>
    public string? MonitorOf(ParseResult parsed) => parsed.GetValue(Monitor) is { } name && name != Score ? name : null;

    public FoldChoice? FoldOf(ParseResult parsed) =>
        parsed.GetValue(Folds) is { } count && parsed.GetValue(Fold) is { } number ? new(number, count) : null;

    public AugmentationOptions? Augmentation(ParseResult parsed)
    {
        var (names, size) = (parsed.GetValue(Augment) ?? [], parsed.GetValue(Crop));
        if (names.Length == 0 && size is null)
            return null;
        return names.Aggregate(new AugmentationOptions { Crop = size }, (options, name) => Augmentations[name](options));
    }

    public TrainingOptions Training(ParseResult parsed, string checkpoint, TrainingSet set) => new()
    {
        Epochs = parsed.GetValue(Epochs),
        BatchSize = parsed.GetValue(Batch),
        Optimizer = parsed.GetValue(Optimizer),
        LearningRate = parsed.GetValue(rate),
        TrunkRate = Unless1(parsed.GetValue(trunkRate)),
        LayerDecay = Unless1(parsed.GetValue(layerDecay)),
        WeightDecay = parsed.GetValue(decay),
        Momentum = parsed.GetValue(Momentum),
        Schedule = parsed.GetValue(Schedule),
        WarmUp = parsed.GetValue(WarmUp),
        PlateauEpochs = parsed.GetValue(Plateau),
        ClipNorm = parsed.GetValue(clip),
        WeightAverage = parsed.GetValue(average),
        FrozenEpochs = parsed.GetValue(Freeze),
        Balanced = parsed.GetValue(Balanced),
        Patience = parsed.GetValue(Patience) is > 0 and var epochsToWait ? epochsToWait : null,
        Monitor = MonitorOf(parsed),
        Loss = LossOf(parsed, set),
        Seed = parsed.GetValue(Seed),
        Checkpoint = checkpoint,
        CheckpointInterval = parsed.GetValue(save),
        Conditions = Conditions(parsed, set.Description),
    };

    /// <summary>A share that is all of it is none, for a run that goes on with it.</summary>
    private static double? Unless1(double? share) => share == 1 ? null : share;

    /// <summary>What is learned by; null for the task's plain loss.</summary>
    private LossOptions? LossOf(ParseResult parsed, TrainingSet set)
    {
        var weights = parsed.GetValue(ClassWeights);
        var map = parsed.GetValue(Loss);
        var loss = new LossOptions
        {
            Map = map switch
            {
                PixelLoss.Dice => MapLossKind.Dice,
                PixelLoss.DiceCrossEntropy => MapLossKind.DiceCrossEntropy,
                PixelLoss.Absolute => MapLossKind.Absolute,
                _ => null,
            },
            FocalExponent = parsed.GetValue(focal) is var exponent && exponent == 0 && map == PixelLoss.Focal
                ? UsualFocalExponent
                : exponent,
            LabelSmoothing = parsed.GetValue(smoothing),
            InstanceShare = parsed.GetValue(InstanceLoss),
            IsOrdinal = parsed.GetValue(Ordinal) is { Length: > 0 },
            HuberDistance = parsed.GetValue(huber),
            ClassWeights = weights is null ? null : weights.Numbers ?? LossOptions.BalancedWeights(set.Description.Task, set.Training),
        };
        return loss == new LossOptions() ? null : loss;
    }

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
