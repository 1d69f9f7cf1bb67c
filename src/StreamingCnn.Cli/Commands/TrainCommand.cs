using System.CommandLine;
using System.Globalization;
using StreamingCnn.Cli.Demo;
using StreamingCnn.Cli.Display;
using StreamingCnn.Cli.Input;
using StreamingCnn.Distributed;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using StreamingCnn.Onnx;
using StreamingCnn.Training;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn train</c>: trains a streamed model on a person's images, or on images that it makes itself.</summary>
internal static class TrainCommand
{
    private const string RunsFolder = "runs";
    private static readonly (int Height, int Width) DemoTile = (128, 128);

    public static Command Create(Interruption interruption, Job job)
    {
        var options = new TrainOptions();
        var refusals = new TrainRefusals(options);
        var command = new AnnouncedCommand("train", "Train a model on whole images, streamed tile by tile.") { options.Data };
        foreach (var option in options.All)
            command.Add(option);
        command.FirstLine = parsed => FirstLine(options, parsed);
        command.IsShared = true;
        command.SetAction(parsed =>
        {
            interruption.EndWith("Stopped before the first image; nothing is lost.");
            refusals.RefuseDataWithDemo(parsed);
            refusals.RefuseWithResume(parsed);
            refusals.RefuseDryResumption(parsed);
            var resume = parsed.GetValue(options.Resume) is { } folder ? new RunFolder(folder) : null;
            if (resume is { Exists: false })
                throw new ArgumentException($"The folder '{resume.Path}' holds no run to resume.");
            using var goingOn = resume is null || !job.IsFirst ? null : FolderLock.Take(resume.Path);
            var given = parsed;
            if ((resume?.Options ?? parsed.GetValue(options.Config)) is { } file)
                parsed = OptionFile.Merge(command, parsed, file, options.Config, options.Resume);
            refusals.RefuseUntrusted(given, parsed);
            refusals.RefuseContradictions(given, parsed);
            refusals.RefuseRateSearch(parsed, job.IsShared);
            // A budget is of the device that the run began on.
            var memory = MovesToAnotherDevice(options, given, resume) ? given.GetValue(options.Memory) : parsed.GetValue(options.Memory);
            var needsBudget = memory is null && parsed.GetValue(options.Tile) is null && !parsed.GetValue(options.Demo);
            var place = Placement.Of(command, parsed, options.Device, job, needsBudget);
            var run = resume ?? NewRun(parsed.GetValue(options.Output));
            OutputFolder.Check(run.Path);
            if (parsed.GetValue(options.Folds) is { } folds && parsed.GetValue(options.Fold) is null)
            {
                if (job.IsShared)
                    throw new ArgumentException(
                        "Several processes share one training, and --folds makes several; give each fold its own processes by --fold.");
                if (parsed.GetValue(options.DryRun))
                    return FoldRuns.Dry(given);
                using var folding = resume is null ? Start(run) : null;
                if (resume is null)
                    OptionFile.Write(run.Options, command, parsed, Decided(options, Streaming(options, parsed, memory, job), null),
                        options.Config, options.Resume, options.DryRun, options.Output);
                return new FoldRuns(given, parsed.GetValue(options.Model)!, run, folds, isResumed: resume is not null).Run();
            }

            var set = Read(options, parsed);
            refusals.RefuseFor(set, parsed);
            manual_seed(parsed.GetValue(options.Seed));
            var training = options.Training(parsed, run.Checkpoint, set);
            var display = ProgressDisplay.OnOutput(job.IsShared);
            var streaming = Streaming(options, parsed, memory, job);
            var copy = resume is not null && File.Exists(run.Network) ? run.Network : null;
            using var model = set.Description.CreateModel(streaming with { Progress = display }, copy);
            var imported = model.Trunk as OnnxTrunk;
            if (imported is not null)
                set = set with { Description = set.Description with { Structure = Convert.ToBase64String(imported.Structure()) } };
            if (parsed.GetValue(options.Weights) is { } weights && resume is null)
            {
                if (parsed.GetValue(options.KeepHead))
                    LoadModel(model, set.Description, weights);
                else
                    LoadTrunk(model, weights, parsed.GetValue(options.WeightsPrefix));
            }

            model.to(place);
            TrainingCheck.Run(model, set);
            using var trainer = new Trainer(model, set.Description.Task, training, job.Ranks);
            if (parsed.GetValue(options.DryRun))
            {
                Introduce(model, set);
                new DryRun(model, set, training).Show();
                return Program.Success;
            }

            using var starting = resume is null && job.IsFirst ? Start(run) : null;
            if (parsed.GetValue(options.FindRate) is { } updates)
            {
                job.Ready();
                Introduce(model, set);
                interruption.PassOn();
                return new RateSearchRun(trainer, set, run, updates, display, interruption).Run();
            }

            // So that the run needs the file no more, whatever becomes of it.
            if (resume is null && job.IsFirst)
                imported?.Save(run.Network);
            if (resume is not null && job.IsFirst)
                run.RemoveUnfinished();
            job.Ready();
            if (resume is not null && File.Exists(run.Checkpoint))
                trainer.Resume(set.Training, set.Validation);

            Introduce(model, set);
            interruption.PassOn();
            if (resume is null && job.IsFirst)
            {
                OptionFile.Write(
                    run.Options,
                    command,
                    parsed,
                    Decided(options, streaming, set.Scaling),
                    options.Config,
                    options.Resume,
                    options.DryRun,
                    options.Output);
            }

            return new TrainRun(trainer, model, set, run, training.Epochs, display, interruption, job).Run();
        });
        return command;
    }

    /// <summary>The model is not named: a file of options may say which.</summary>
    private static string FirstLine(TrainOptions options, ParseResult parsed)
    {
        if (parsed.GetValue(options.Resume) is { } run)
            return $"Going on with the run in {run}.";
        var images = parsed.GetValue(options.Demo)
            ? "images made on the spot"
            : parsed.GetValue(options.Data) ?? parsed.GetValue(options.Config);
        var deed = parsed.GetValue(options.DryRun) ? "Looking at a training"
            : parsed.GetValue(options.FindRate) is null ? "Training" : "Looking for a learning rate";
        return $"{deed}{(images is null ? "" : $" on {images}")}.";
    }

    private static TrainingSet Read(TrainOptions options, ParseResult parsed)
    {
        var seed = parsed.GetValue(options.Seed);
        if (parsed.GetValue(options.Demo))
        {
            return new(
                Describe(new ClassificationTask(["haystack", "needle"]), NeedleImage.ChannelCount),
                NeedleImage.TrainingSet(seed), NeedleImage.ValidationSet(seed), [], (NeedleImage.Side, NeedleImage.Side))
            {
                Monitor = options.MonitorOf(parsed),
                Mlflow = parsed.GetValue(options.Mlflow),
                Worst = parsed.GetValue(options.Worst),
                OperatingRule = parsed.GetValue(options.OperatingPoint),
                IsCalibrated = parsed.GetValue(options.Calibrate),
            };
        }

        var path = parsed.GetValue(options.Data)
            ?? throw new ArgumentException(
                "Name a CSV file or a folder with one folder for each class, or give --demo for images made on the spot.");
        var images = LabelledImages.Read(
            path,
            options.Columns(parsed),
            parsed.GetValue(options.ValidationShare),
            seed,
            parsed.GetValue(options.Channels),
            options.Reading.Of(parsed),
            options.FoldOf(parsed),
            parsed.GetValue(options.Labels.Task) == LabelKind.Mask ? options.Labels.Masks(parsed) : null,
            parsed.GetValue(options.Objective.Ordinal) is { Length: > 0 } order ? order : null,
            parsed.GetValue(options.Labels.Task) == LabelKind.Map ? options.Labels.Numbers(parsed) : null);
        if (options.FoldOf(parsed) is { } fold)
            Say($"Fold {fold.Number} of {fold.Count} is the test.");
        foreach (var note in images.Notes)
            Say($"Note: {note}.");
        foreach (var line in ReadingText.Lines(images.Remarks, all: parsed.GetValue(options.DryRun)))
            Say($"{line}");
        var description = Describe(images.Task, images.Channels, images.Inputs);
        var preparation = description.Preparation with
        {
            Reading = options.Reading.Of(parsed),
            SampleTypes = [.. images.SampleTypes.Select(type => type.Name).Order(StringComparer.Ordinal)],
        };
        if (images.FindForeground(preparation) is { } found)
            Say(preparation.CropsToForeground
                ? (FormattableString)$"Images are cropped to their foreground: {found.Boxes:0.0%} of all pixels are used; {found.Foreground:0.0%} are foreground, which alone count."
                : $"{found.Foreground:0.0%} of all pixels are foreground, which alone count.");
        var scaling = ScalingChoice.Of(parsed.GetValue(options.Normalize), parsed.GetValue(options.Range), images, preparation);
        foreach (var sentence in scaling.Said)
            Console.WriteLine($"{sentence}.");
        preparation = preparation with { Normalization = scaling.Normalization };
        var augmentation = scaling.Fit(options.Augmentation(parsed), images.SampleTypes);
        return new(
            description with { Preparation = preparation },
            images.Training(
                preparation, augmentation, seed), images.Validation(preparation), images.Test(preparation), images.LargestSize(preparation))
        {
            Sizes = images.Sizes(preparation),
            Path = path,
            Notes = [.. images.Notes.Select(note => $"{note}.")],
            Crop = augmentation?.Crop,
            Scaling = scaling.Scaling,
            Monitor = options.MonitorOf(parsed),
            Mlflow = parsed.GetValue(options.Mlflow),
            Worst = parsed.GetValue(options.Worst),
            OperatingRule = parsed.GetValue(options.OperatingPoint),
            IsCalibrated = parsed.GetValue(options.Calibrate),
        };

        // A run of an earlier version goes on as it began.
        bool CountsForegroundAlone() => parsed.GetValue(options.Resume) is not { } folder
            || new RunFolder(folder).LastWeights is var weights
            && (!File.Exists(weights) || ModelDescription.Read(weights).Preparation.CountsForegroundAlone);

        ModelDescription Describe(LearningTask task, int channels, IReadOnlyList<InputColumn>? inputs = null) => new()
        {
            Trunk = parsed.GetValue(options.Model)!,
            Norm = parsed.GetValue(options.Norm),
            Task = task,
            Group = parsed.GetValue(options.Group),
            Pooling = parsed.GetValue(options.Pooling.Pooling),
            PoolingNumber = parsed.GetValue(options.Pooling.Number),
            Instances = parsed.GetValue(options.Objective.InstanceLoss) > 0 ? parsed.GetValue(options.Objective.Instances) : 0,
            Dropout = parsed.GetValue(options.Dropout),
            Preparation = new()
            {
                Channels = channels,
                Inputs = inputs ?? [],
                Downsample = parsed.GetValue(options.Downsample),
                MicrometresPerPixel = parsed.GetValue(options.Resolution),
                AssumedMicrometresPerPixel = parsed.GetValue(options.ResolutionOfFiles),
                Foreground = parsed.GetValue(options.Foreground),
                CountsForegroundAlone = parsed.GetValue(options.Foreground) != ForegroundRule.None && CountsForegroundAlone(),
                CropsToForeground = task is not MapTask,
            },
        };
    }

    /// <summary>Whether a run that goes on is asked to do so on another device than the one that it began on.</summary>
    private static bool MovesToAnotherDevice(TrainOptions options, ParseResult given, RunFolder? resume)
    {
        if (resume is null || given.GetResult(options.Device) is not { Implicit: false } || given.GetValue(options.Device) is not { } asked)
            return false;
        // Runs of versions before there was a choice are the processor's.
        var name = options.Device.Name.TrimStart('-');
        var before = OptionFile.Settings(resume.Options).FirstOrDefault(setting => setting.Key == name).Value;
        return (before ?? ComputeDevice.Cpu.ToString()) != asked.ToString();
    }

    private static StreamingOptions Streaming(TrainOptions options, ParseResult parsed, long? memory, Job job)
    {
        var tile = parsed.GetValue(options.Tile);
        return options.Carry.Apply(parsed, new()
        {
            // The demonstration's images are so small that one tile would do; it is to show tiles.
            Tile = parsed.GetValue(options.Demo) && tile is null && memory is null ? DemoTile : tile,
            // What is free differs from day to day. The run keeps what it was, so that it does the same when it is resumed.
            MemoryBudget = memory ?? (tile is null && !parsed.GetValue(options.Demo) ? job.DefaultMemoryBudget >> 20 << 20 : null),
            Compute = parsed.GetValue(options.Compute),
            SplitOver = parsed.GetValue(options.SplitImage) ? job.Ranks : null,
            SyncBatchNormOver = parsed.GetValue(options.SyncNorm) ? new FirstRanks(job.Ranks) : null,
            FrozenBatchNorm = parsed.GetValue(options.Norm) == NormKind.Frozen,
        });
    }

    private static Dictionary<Option, string> Decided(TrainOptions options, StreamingOptions streaming, PixelScaling? scaling)
    {
        var decided = new Dictionary<Option, string>();
        if (scaling is { } chosen)
            decided[options.Normalize] = chosen.ToString().ToLowerInvariant();
        if (streaming.MemoryBudget is { } bytes)
            decided[options.Memory] = string.Create(CultureInfo.InvariantCulture, $"{bytes >> 20}MiB");
        return decided;
    }

    private static RunFolder NewRun(string? wanted)
    {
        var run = new RunFolder(
            wanted ?? FreeName(Path.Combine(RunsFolder, DateTime.Now.ToString("yyyy-MM-dd-HHmmss", CultureInfo.InvariantCulture))));
        RefuseSecond(run);
        return run;
    }

    /// <summary>Two runs may be started within one second.</summary>
    private static string FreeName(string name) =>
        Enumerable.Range(1, int.MaxValue).Select(number => number == 1 ? name : $"{name}-{number}").First(path => !Directory.Exists(path));

    /// <summary>Takes the folder of a new run, in which another one may have been started since it was named.</summary>
    private static FolderLock Start(RunFolder run)
    {
        var hold = FolderLock.Take(run.Path);
        try
        {
            RefuseSecond(run);
            return hold;
        }
        catch
        {
            hold.Dispose();
            throw;
        }
    }

    private static void RefuseSecond(RunFolder run)
    {
        if (run.Exists)
        {
            throw new ArgumentException(
                $"The folder '{run.Path}' holds a run already; go on with it by --resume {run.Path}, or choose another folder.");
        }
    }

    /// <summary>All weights of a model that was trained for the same: the head would mean something else for other classes.</summary>
    private static void LoadModel(TrainableModel model, ModelDescription description, string path)
    {
        var (wanted, found) = (description.ToMetadata(), ModelDescription.Read(path).ToMetadata());
        string[] meanings = ["task", "outputs", "columns"];
        if (meanings.FirstOrDefault(name => wanted.GetValueOrDefault(name) != found.GetValueOrDefault(name)) is { } other)
        {
            throw new ArgumentException(
                $"--keep-head takes the head of a model that was trained for the same, but its {other} in '{path}' are {Told(found)} and here {Told(wanted)}; leave it out, or take another model.");

            string Told(IReadOnlyDictionary<string, string> metadata) => metadata.GetValueOrDefault(other, "none").Replace("\n", ", ");
        }

        WeightFile.Load(model, path);
    }

    /// <summary>Weights of a whole classifier are welcome: what the trunk has no use for, such as its last layer, is passed over.</summary>
    private static void LoadTrunk(TrainableModel model, string path, string? prefix)
    {
        var trunk = model.Trunk;
        LoadedWeights loaded;
        try
        {
            loaded = Load(isStrict: true);
        }
        catch (WeightMismatchException misfit)
            when (misfit is { Unexpected.Count: > 0, Missing.Count: 0, WronglyShaped.Count: 0, WronglyTyped.Count: 0 })
        {
            loaded = Load(isStrict: false);
        }

        var entry = loaded.Entry.Length > 0 ? $", entry '{loaded.Entry}'" : "";
        if (loaded.Prefix.Length > 0)
        {
            Console.WriteLine(
                $"The prefix '{loaded.Prefix}' is taken off the names of the weights in {path}{entry}: all names of the trunk then fit.");
        }
        else if (entry.Length > 0)
            Console.WriteLine($"Weights are read from {path}{entry}.");
        var unused = loaded.Unused;
        if (unused.Count > 0)
        {
            Console.WriteLine(
                $"Of the weights in {path}, {unused.Count} belong to no layer of the trunk and are passed over: "
                + $"{string.Join(", ", unused.Take(4))}{(unused.Count > 4 ? ", ..." : "")}.");
        }

        LoadedWeights Load(bool isStrict) => TrunkSource.IsOnnx(path)
            ? OnnxWeights.Load(trunk, path, isStrict, prefix)
            : WeightFile.Load(trunk, path, isStrict, prefix);
    }

    private static void Introduce(TrainableModel model, TrainingSet set)
    {
        var plan = model.Plan(set.LargestSize.Height, set.LargestSize.Width);
        Say($"{set.Training.Count} images to train on, {set.Validation.Count} to validate, {set.Test.Count} to test; {set.Description.Task.Kind}: {string.Join(", ", set.Description.Task.Outputs)}.");
        Say($"{set.Description.Trunk}, streamed: images up to {plan.Image.Height} x {plan.Image.Width} px in tiles of {plan.Tile.Height} x {plan.Tile.Width} px, with the gradients of the whole image.");
        if (set.Crop is var (height, width))
            Say($"Training images are parts of {height} x {width} px.");
        Say($"About {plan.StepBytes / 1048576.0:0} MiB for a step; {plan.WholeBytes / 1048576.0:0} MiB for the feature maps if they were all kept.");
        if (!model.modules().OfType<TorchSharp.Modules.BatchNorm2d>().Any())
            return;
        if (model.Options.FrozenBatchNorm)
            Say($"Batch normalisation uses its running statistics; its weight and bias are trained.");
        else
            Say($"Batch normalisation takes the statistics of each image by itself, since images go through one by one, and its running statistics where images are judged.");
    }

    private static void Say(FormattableString text) => Console.WriteLine(Printable.Of(text.ToString(CultureInfo.InvariantCulture)));
}
