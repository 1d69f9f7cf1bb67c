using System.CommandLine;
using System.CommandLine.Parsing;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Models;
using StreamingCnn.Training;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Cli.Commands;

/// <summary>What the options of <c>scnn train</c> refuse together, of a file, and of the data.</summary>
internal sealed class TrainRefusals(TrainOptions options)
{
    /// <exception cref="ArgumentException">The demonstration is asked to read what it makes itself.</exception>
    public void RefuseDataWithDemo(ParseResult parsed)
    {
        Symbol[] ofData =
        [
            options.Data,
            options.Labels.Task,
            options.Labels.Inputs,
            options.Labels.LabelColumns,
            options.Labels.Classes,
            options.Labels.Ignore,
            options.Labels.BoxCore,
            options.Labels.IgnoreUnlabelled,
            options.Objective.Loss,
            options.Labels.LiteralLabels,
            options.Group,
            options.Folds,
            options.Fold,
            options.Weight, options.Downsample, options.Resolution, options.ResolutionOfFiles, options.Channels, options.Foreground,
                .. options.Reading.All, options.Range, options.Augment,
            options.Crop, options.ValidationShare,
        ];
        if (parsed.GetValue(options.Demo) && Given(parsed, ofData) is { Length: > 0 } given)
        {
            var list = string.Join(", ", given);
            throw new ArgumentException(
                $"--demo trains on images of its own as they are, so it cannot be given together with {list}; leave out one or the other.");
        }
    }

    /// <exception cref="ArgumentException">A run that goes on is asked to start otherwise.</exception>
    public void RefuseWithResume(ParseResult parsed)
    {
        if (parsed.GetValue(options.Resume) is not null
            && Given(parsed, options.Config, options.Output, options.Weights, options.WeightsPrefix, options.KeepHead)
                is { Length: > 0 } given)
        {
            var list = string.Join(", ", given);
            throw new ArgumentException(
                $"--resume goes on in the run's own folder with the run's own options and weights, so it cannot be given together with {list}; leave out one or the other.");
        }
    }

    /// <exception cref="ArgumentException">A run that is under way is to be tried out.</exception>
    public void RefuseDryResumption(ParseResult parsed)
    {
        if (parsed.GetValue(options.DryRun) && parsed.GetValue(options.Resume) is not null)
        {
            throw new ArgumentException(
                "--dry-run shows what a new run would do, so it cannot be given together with --resume; leave out one or the other.");
        }
    }

    /// <exception cref="ArgumentException">A rate is looked for where there is none to choose, or for several models at once.</exception>
    public void RefuseRateSearch(ParseResult parsed, bool isShared)
    {
        if (parsed.GetValue(options.FindRate) is null)
            return;
        if (parsed.GetValue(options.Resume) is not null)
            throw new ArgumentException(
                "--find-rate looks for the learning rate of a new run, so it cannot be given together with --resume; leave out one or the other.");
        if (parsed.GetValue(options.Folds) is not null && parsed.GetValue(options.Fold) is null)
            throw new ArgumentException("--find-rate is of one model, and --folds makes several; name one of them by --fold.");
        if (isShared)
            throw new ArgumentException("--find-rate is done by one process; start it without mpirun or srun.");
    }

    /// <summary>Refuses to run code because a file asks for it.</summary>
    /// <param name="given">The command line alone.</param>
    /// <param name="parsed">With the options of a file.</param>
    /// <exception cref="ArgumentException">The file names an assembly that the command line does not name.</exception>
    public void RefuseUntrusted(ParseResult given, ParseResult parsed)
    {
        var model = parsed.GetValue(options.Model)!;
        if (TrunkSource.IsOwn(model) && Given(given, options.Model).Length == 0)
        {
            throw new ArgumentException(
                $"The options name the assembly of a module, and code is never loaded because a file asks for it; if you trust it, add --model {model}, and its code will be run.");
        }
    }

    /// <summary>Refuses what would have no effect, or cannot be meant.</summary>
    /// <param name="given">The command line alone: a file of options may be the record of another run, which holds all defaults.</param>
    /// <param name="parsed">With the options of a file.</param>
    /// <exception cref="ArgumentException">Options contradict each other.</exception>
    public void RefuseContradictions(ParseResult given, ParseResult parsed)
    {
        if (parsed.GetValue(options.Downsample) is not null && parsed.GetValue(options.Resolution) is not null)
            throw new ArgumentException("Only one of --downsample and --mpp can be given: each of them says the resolution.");
        if (parsed.GetValue(options.ResolutionOfFiles) is not null && parsed.GetValue(options.Resolution) is null)
        {
            throw new ArgumentException(
                "--mpp-of says what resolution files have, which matters with --mpp alone; give both, or leave it out.");
        }

        var task = parsed.GetValue(options.Labels.Task);
        if (task == LabelKind.Class && parsed.GetValue(options.Labels.LabelColumns) is { Length: > 1 and var count })
        {
            throw new ArgumentException(
                $"--task classes takes one label column, but --labels names {count}; name one, or choose --task labels or --task numbers.");
        }

        RefuseInputs(parsed);
        RefuseOfMasks(given, parsed);
        if (parsed.GetValue(options.Labels.LiteralLabels) && task != LabelKind.Class)
            throw new ArgumentException("--literal-labels is of --task classes alone; leave it out, or choose that task.");
        if (parsed.GetValue(options.Objective.Ordinal) is { Length: > 0 } && (task != LabelKind.Class || parsed.GetValue(options.Demo)))
            throw new ArgumentException("--ordinal is of --task classes alone, on images of your own; leave it out.");
        if (parsed.GetValue(options.Objective.InstanceLoss) > 0
            && (task != LabelKind.Class || parsed.GetValue(options.Pooling.Pooling) != HeadPooling.Attention))
            throw new ArgumentException("--instance-loss is of --task classes with --pooling attention, which picks instances; leave it out, or choose those.");
        if (Given(given, options.Objective.Instances).Length > 0 && parsed.GetValue(options.Objective.InstanceLoss) == 0)
            throw new ArgumentException("--instances is of --instance-loss alone; leave it out, or write a share such as --instance-loss 0.3.");
        if (parsed.GetValue(options.Range) is not null && parsed.GetValue(options.Normalize) is PixelScaling.Measured or PixelScaling.None)
        {
            throw new ArgumentException(
                "--range says which values --normalize symmetric and imagenet take for 0 and 255; leave it out, or choose one of those.");
        }

        var (frozen, passes) = (parsed.GetValue(options.Updates.Freeze), parsed.GetValue(options.Updates.Epochs));
        if (frozen > passes)
        {
            throw new ArgumentException(
                $"--freeze is {frozen}, but the run has only {passes} epochs; write a number from 0 to {passes}, or more --epochs.");
        }

        var (fold, folds) = (parsed.GetValue(options.Fold), parsed.GetValue(options.Folds));
        if (fold is not null && folds is null)
            throw new ArgumentException("--fold is one of --folds; say how many there are, or leave it out.");
        if (fold > folds)
            throw new ArgumentException($"--fold is {fold}, but there are {folds} folds; write a number from 1 to {folds}.");
        options.Pooling.Check(parsed);
        if (Given(given, options.Updates.Momentum).Length > 0 && parsed.GetValue(options.Updates.Optimizer) != OptimizerKind.Sgd)
            throw new ArgumentException("--momentum is of --optimizer sgd alone; leave it out, or choose that optimizer.");
        if (Given(given, options.Updates.Plateau).Length > 0 && parsed.GetValue(options.Updates.Schedule) != LearningRateSchedule.Plateau)
            throw new ArgumentException("--plateau is of --schedule plateau alone; leave it out, or choose that schedule.");
        if (Given(given, options.WeightsPrefix).Length > 0 && parsed.GetValue(options.Weights) is null)
            throw new ArgumentException("--weights-prefix is of --weights alone; leave it out, or name a file of weights.");
        if (parsed.GetValue(options.KeepHead)
            && (parsed.GetValue(options.Weights) is null || Given(given, options.WeightsPrefix).Length > 0))
            throw new ArgumentException("--keep-head is of --weights that scnn wrote, without --weights-prefix; leave it out, or name such a file of weights.");
        if (parsed.GetValue(options.Updates.Balanced) && task != LabelKind.Class)
        {
            throw new ArgumentException(
                "--balanced draws classes equally often, so it can be given with --task classes alone; leave it out.");
        }

        RefuseSyncNorm(parsed);
    }

    /// <summary>Refuses statistics of all processes' images where there are none, or where all processes have the same image.</summary>
    private void RefuseSyncNorm(ParseResult parsed)
    {
        if (!parsed.GetValue(options.SyncNorm))
            return;
        if (parsed.GetValue(options.Norm) != NormKind.Batch)
            throw new ArgumentException(
                "With --sync-norm batch norms take the statistics of the images of all processes, but --norm is not batch; give --norm batch, or leave out --sync-norm.");
        if (parsed.GetValue(options.SplitImage))
            throw new ArgumentException(
                "With --sync-norm each process has an image of its own, and with --split-image all share one; leave out one of them.");
    }

    /// <summary>Refuses images side by side that are one, or one image twice.</summary>
    private void RefuseInputs(ParseResult parsed)
    {
        if (parsed.GetValue(options.Labels.Inputs) is not { Length: > 0 } columns)
        {
            if (options.HasOffset(parsed))
                throw new ArgumentException(
                    "--augment offset moves images that are read side by side against the first of them, and there is one alone; name several by --inputs, or leave it out.");
            return;
        }

        if (columns.Length == 1)
            throw new ArgumentException($"--inputs names the columns of images that are read side by side, but '{columns[0]}' is one alone; name at least two, or leave it out.");
        if (columns.GroupBy(name => name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"--inputs names the column '{twice.Key}' {twice.Count()} times; name each once.");
        if (columns.FirstOrDefault(name => name.Trim().Length == 0) is not null)
            throw new ArgumentException("--inputs has a column without a name; write the names, separated by commas, such as image,template.");
    }

    /// <summary>Refuses what is of maps alone, or of one kind of them, and what is not of them.</summary>
    private void RefuseOfMasks(ParseResult given, ParseResult parsed)
    {
        var task = parsed.GetValue(options.Labels.Task);
        Option[] ofMasks = [options.Labels.Classes, options.Labels.BoxCore, options.Labels.IgnoreUnlabelled];
        if (task != LabelKind.Mask && Given(given, ofMasks) is { Length: > 0 } ofClasses)
            throw new ArgumentException(
                $"{string.Join(", ", ofClasses)} is of --task segmentation alone; leave it out, or choose that task.");
        if (task is not (LabelKind.Mask or LabelKind.Map))
        {
            if (Given(given, options.Labels.Ignore, options.Objective.Loss) is { Length: > 0 } ofMaps)
                throw new ArgumentException(
                    $"{string.Join(", ", ofMaps)} is of --task segmentation and --task maps alone; leave it out, or choose one of them.");
            return;
        }

        if (parsed.GetValue(options.Foreground) == ForegroundRule.Mask)
            throw new ArgumentException(
                "--foreground mask takes the column mask, which has what is to be learned here; find the foreground by --foreground otsu, or write pixels that do not count into the masks, see --ignore.");
        var isOfNumbers = task == LabelKind.Map;
        if (parsed.GetValue(options.Objective.Loss) is var loss && loss != PixelLoss.Usual
            && isOfNumbers != (loss is PixelLoss.Squared or PixelLoss.Absolute))
            throw new ArgumentException(isOfNumbers
                ? "--loss of --task maps is squared or absolute; the others are of --task segmentation."
                : "--loss squared and absolute are of --task maps; of --task segmentation write cross-entropy, dice, dice-cross-entropy or focal.");
        Option[] ofImages =
        [
            .. isOfNumbers ? (Option[])[] : [options.Labels.LabelColumns],
            options.Pooling.Pooling,
            options.Pooling.Number,
            options.Dropout,
            options.OperatingPoint,
            options.Calibrate,
        ];
        if (Given(given, ofImages) is { Length: > 0 } others)
            throw new ArgumentException(isOfNumbers
                ? $"{string.Join(", ", others)} is not of --task maps, which predicts numbers at each pixel of whole images; leave it out."
                : $"{string.Join(", ", others)} is not of --task segmentation, which judges each pixel of whole images; leave it out.");
    }

    /// <summary>Refuses what the data cannot bear.</summary>
    /// <exception cref="ArgumentException">Options contradict the data.</exception>
    public void RefuseFor(TrainingSet set, ParseResult parsed)
    {
        if (parsed.GetValue(options.Updates.Patience) is > 0 and var epochs && set.Validation.Count == 0)
        {
            throw new ArgumentException(
                $"--patience is {epochs}, but there are no validation images whose score could stop the run; write 0, or keep some images by --validation.");
        }

        var needed = new (Option Option, bool IsGiven)[]
        {
            (options.Monitor, options.MonitorOf(parsed) is not null),
            (options.OperatingPoint, parsed.GetValue(options.OperatingPoint) is not null),
            (options.Calibrate, parsed.GetValue(options.Calibrate)),
        }.Where(one => one.IsGiven).Select(one => one.Option.Name).ToArray();
        if (needed.Length > 0 && set.Validation.Count == 0)
            throw new ArgumentException(
                $"{string.Join(", ", needed)} goes by validation images, but there are none; keep some by --validation, or leave it out.");
        var task = set.Description.Task;
        if (parsed.GetValue(options.OperatingPoint) is not null && !OperatingPoint.Fits(task))
            throw new ArgumentException(
                $"--operating-point is of two classes or of labels, not of {task.Outputs.Count} {task.Kind}; leave it out.");
        if (parsed.GetValue(options.Calibrate) && task is MixedTask)
            throw new ArgumentException("--calibrate is of labels of one kind, and --task mixed has several; leave it out.");
        if (parsed.GetValue(options.Calibrate) && task is RegressionTask or MapRegressionTask)
            throw new ArgumentException("--calibrate is of probabilities, and numbers have none; leave it out.");

        var batches = (long)Math.Ceiling(set.Training.Count / (double)parsed.GetValue(options.Updates.Batch));
        var updates = parsed.GetValue(options.Updates.Epochs) * batches;
        if (parsed.GetValue(options.Updates.WarmUp) is > 0 and var steps && steps >= updates)
        {
            throw new ArgumentException(
                $"--warm-up is {steps}, but the run has only {updates} updates, so it would end before; write a number below {updates}, or more --epochs.");
        }
    }

    /// <summary>Names of those that stand on the command line.</summary>
    private static string[] Given(ParseResult parsed, params IReadOnlyList<Symbol> symbols) =>
    [
        .. symbols.Where(symbol => parsed.GetResult(symbol) is OptionResult { Implicit: false } or ArgumentResult { Tokens.Count: > 0 })
            .Select(symbol => symbol is Argument ? $"<{symbol.Name}>" : symbol.Name),
    ];
}
