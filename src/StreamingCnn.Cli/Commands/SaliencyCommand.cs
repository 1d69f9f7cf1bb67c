using System.CommandLine;
using System.Globalization;
using StreamingCnn.Cli.Display;
using StreamingCnn.Cli.Input;
using StreamingCnn.Distributed;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Saliency;
using StreamingCnn.Training.Serving;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Commands;

/// <summary><c>scnn saliency</c>: what in an image matters for a trained model's answer.</summary>
internal sealed class SaliencyCommand
{
    private Argument<string[]> Images { get; } = new("image")
    {
        Description = "Image files; for a model that sees several images side by side a table (.csv) of them.",
        Arity = ArgumentArity.OneOrMore,
    };

    private Option<string> Weights { get; } = new("--weights", "-w")
    {
        Description = "Folder of a run (its best weights are taken), or a file of weights that training wrote.",
        Required = true,
    };

    private Option<string> Output { get; } = new("--output", "-o")
    {
        Description = "Folder for NAME.overlay.png, NAME.saliency.tif and NAME.regions.geojson; made where it does not exist.",
        Required = true,
    };

    private Option<string?> Target { get; } = new("--target")
    {
        Description = "Name of the class, label or number to explain; its score before softmax or sigmoid is what is differentiated. Default: the one with the largest score.",
    };

    private Option<SaliencyMethod> Method { get; } = CommonOptions.Parsed(
        "--method",
        "gradient: the exact gradient of the score with respect to every pixel; smoothgrad: the mean gradient of noisy copies; "
        + "cam: class activation map (heads with attention: Grad-CAM); "
        + "attention: where a head with attention looks, 1 being an even share.",
        text => text.ToLowerInvariant() switch
        {
            "gradient" => SaliencyMethod.Gradient,
            "smoothgrad" => SaliencyMethod.SmoothGrad,
            "cam" => SaliencyMethod.ClassActivation,
            "attention" => SaliencyMethod.Attention,
            _ => throw new FormatException($"'{text}' is not a method; write gradient, smoothgrad, cam or attention."),
        },
        "gradient");

    private Option<double?> Blur { get; } = CommonOptions.Parsed<double?>(
        "--blur",
        "Standard deviation of the blur in pixels of the file's full resolution; 0 for none. Default: 50 for each 8192 pixels of the longer side.",
        text => NumberText.Real(text, "--blur", value => value >= 0 && double.IsFinite(value), "of 0 or more pixels"),
        null);

    private Option<double> Percentile { get; } = CommonOptions.Real(
        "--percentile",
        "Percentile of the map above which values are clipped, above 0 to 100; 100 clips nothing.",
        99,
        1e-9,
        100,
        "above 0 and at most 100");
    private Option<int> Passes { get; } = CommonOptions.Number("--passes", "Noisy copies of smoothgrad.", 25, 1);
    private Option<double> Noise { get; } = CommonOptions.Real(
        "--noise",
        "Standard deviation of smoothgrad's noise as a share of the range of the image's values, from 0 to 10.",
        0.15,
        0,
        10,
        "from 0 to 10");
    private Option<int> Seed { get; } = CommonOptions.Number("--seed", "Seed of smoothgrad's noise.", 1, 0);
    private Option<bool> Raw { get; } = new("--raw")
    {
        Description = "Also write NAME.gradient.tif: the map before blur and clipping, the signed gradient for each channel, "
            + "the class activation, or the attention.",
    };
    private Option<int> Side { get; } = CommonOptions.Number(
        "--overlay-side", "Greatest height and width of the overlay in pixels, without its legend.", 1600, 16);
    private Option<int> Regions { get; } = CommonOptions.Number(
        "--regions", "Most hot regions to write, the hottest first.", 200, 0);
    private Option<bool> InMap { get; } = new("--map-coordinates")
    {
        Description = "Write regions in the coordinates of the image's map, where it is a GeoTIFF. Default: pixels of the file at full "
            + "resolution.",
    };
    private Option<double?> Downsample { get; } = CommonOptions.Downsample(
        "Factor by which the image is made smaller, at least 1. Default: as in training.");
    private Option<double?> Resolution { get; } = CommonOptions.OptionalReal(
        "--mpp", "Resolution in micrometres per pixel. Default: as in training.", 0, double.MaxValue);
    private Option<double?> ResolutionOfFiles { get; } = CommonOptions.ResolutionOfFiles("Default: as in training.");
    private Option<BandChoice?> Bands { get; } = CommonOptions.BandsOfModel();
    private Option<int?> Level { get; } = CommonOptions.OptionalNumber(
        "--level", "Pyramid level of the file, 0 being the largest. Default: as in training.", 0);

    /// <summary>The command, of which each has its own options: an option knows all commands that it was ever added to.</summary>
    public static Command Create(Job job) => new SaliencyCommand().Build(job);

    private AnnouncedCommand Build(Job job)
    {
        var carry = new CarryOptions();
        var (own, tile, memory) = (CommonOptions.OwnModule(), CommonOptions.Tile(), CommonOptions.Memory());
        var (device, split) = (CommonOptions.Device(), CommonOptions.SplitImage());
        Method.HelpName = "gradient|smoothgrad|cam|attention";
        var command = new AnnouncedCommand(
            "saliency",
            "Show what in an image matters for a trained model's answer: "
            + "overlay (PNG), map at the resolution that the model reads (TIFF), hot regions (GeoJSON).")
        {
            Images, Weights, Output, Target, Method, Blur, Percentile, Passes, Noise, Seed, Raw, Side, Regions, InMap,
            Bands, Downsample, Resolution, ResolutionOfFiles, Level, own, tile, memory, device, split,
        };
        foreach (var option in carry.All)
            command.Add(option);
        command.FirstLine = parsed => $"Explaining {string.Join(", ", parsed.GetValue(Images)!)} with {parsed.GetValue(Weights)}.";
        command.IsShared = true;
        command.SetAction(parsed =>
        {
            if ((parsed.GetValue(Downsample) is null ? 0 : 1) + (parsed.GetValue(Resolution) is null ? 0 : 1)
                + (parsed.GetValue(Level) is null ? 0 : 1) > 1)
                throw new ArgumentException("Only one of --downsample, --mpp and --level can be given: each of them says the resolution.");
            if (parsed.GetValue(Method) != SaliencyMethod.SmoothGrad
                && new Option[] { Passes, Noise, Seed }.FirstOrDefault(
                    option => parsed.GetResult(option) is { Implicit: false }) is { } ofSmoothGrad)
                throw new ArgumentException($"{ofSmoothGrad.Name} is of --method smoothgrad alone; leave it out, or choose that method.");
            if (parsed.GetValue(Method) == SaliencyMethod.Attention && parsed.GetValue(Target) is { } explained)
                throw new ArgumentException($"--target {explained} says which score is explained, but attention is the same for all of them; leave it out, or choose another method.");
            var isTiled = parsed.GetValue(tile) is not null;
            var place = Placement.Of(command, parsed, device, job, parsed.GetValue(memory) is null && !isTiled);
            OutputFolder.Check(parsed.GetValue(Output)!);
            var images = Named(parsed);
            MapPrediction.CheckNames(images);
            // Before the first image takes its time.
            if (parsed.GetValue(InMap)
                && images.FirstOrDefault(image => ImageInfo.Read(image.Path).GeoReference is not { IsAffine: true }) is { } nowhere)
            {
                throw new ArgumentException(
                    $"--map-coordinates is of GeoTIFFs that say where they lie, and '{nowhere.Path}' does not; leave it out.");
            }

            var display = new SaliencyDisplay(job.IsShared);
            var (model, description) = ModelDescription.Load(
                RunFolder.WeightsOf(parsed.GetValue(Weights)!),
                carry.Apply(parsed, new()
                {
                    Tile = parsed.GetValue(tile),
                    MemoryBudget = job.MemoryBudget(parsed.GetValue(memory), isTiled),
                    FrozenBatchNorm = true,
                    Progress = display,
                    SplitOver = parsed.GetValue(split) ? job.Ranks : null,
                }),
                parsed.GetValue(own));
            using (model)
            {
                description = description with { Preparation = description.Preparation.WithBands(parsed.GetValue(Bands)) };
                model.to(place);
                if (parsed.GetValue(Method) == SaliencyMethod.Attention && model.Head.Pooling != Training.Heads.HeadPooling.Attention)
                    throw new ArgumentException($"--method attention is of models with --pooling attention, but this one was trained with --pooling {PoolingOptions.NameOf(model.Head.Pooling)}; choose another method.");
                var target = parsed.GetValue(Target) is { } name ? Find(description.Task, name) : (int?)null;
                OutputFolder.Make(parsed.GetValue(Output)!);
                job.Ready();
                var isSplit = parsed.GetValue(split);
                foreach (var round in images.Chunk(isSplit ? 1 : job.Ranks.Size))
                {
                    Explain(round, job, isSplit, (image, said) =>
                        Explain(parsed, model, description, image, target, display, said, isSplit && !job.IsFirst));
                }
            }

            return Program.Success;
        });
        return command;
    }

    /// <summary>The images: of a model that sees several side by side the lines of tables.</summary>
    private IReadOnlyList<ImageItem> Named(ParseResult parsed)
    {
        var inputs = ModelDescription.Read(RunFolder.WeightsOf(parsed.GetValue(Weights)!)).Preparation.Inputs;
        var named = parsed.GetValue(Images)!;
        return inputs.Count == 0
            ? [.. named.Select(image => new ImageItem(image, -1, []))]
            : ImageArguments.Expand(named, note => Console.WriteLine(Printable.Of($"Note: {note}")), inputs);
    }

    /// <summary>What is said of two images whose files would have the same names.</summary>
    internal static ArgumentException SameNames(string first, string second, string name) =>
        new($"'{first}' and '{second}' would write to the same files, since both are called '{name}'; run them one by one into two folders.");

    private static int Find(LearningTask task, string name)
    {
        var index = task.Outputs.Index().Where(output => output.Item == name).Select(output => (int?)output.Index).FirstOrDefault();
        return index ?? throw new ArgumentException($"The model has no output '{name}'; choose one of {string.Join(", ", task.Outputs)}.");
    }

    /// <summary>An image for each process, or one of all; what there is to say of them is said in their order.</summary>
    private static void Explain(ImageItem[] images, Job job, bool isSplit, Action<ImageItem, TextWriter> explain)
    {
        if (job.Ranks.Size == 1 || isSplit)
        {
            explain(images[0], Console.Out);
            return;
        }

        using var said = new StringWriter();
        if (job.Ranks.Rank < images.Length)
            explain(images[job.Ranks.Rank], said);
        foreach (var text in job.Ranks.Gather(said.ToString()))
            Console.Write(text);
    }

    private void Explain(
        ParseResult parsed,
        StreamingClassifier model,
        ModelDescription description,
        ImageItem image,
        int? target,
        SaliencyDisplay display,
        TextWriter said,
        bool isHelper)
    {
        var path = image.Path;
        var preparation = description.Preparation.For(image);
        var readings = preparation.Readings(path, preparation.Options);
        var info = readings[0].Info;
        foreach (var doubt in readings.SelectMany(preparation.Doubts).Distinct())
            said.WriteLine($"Note: {path}: {doubt}.");
        var folder = parsed.GetValue(Output)!;
        using var map = Compute(parsed, model, preparation, info, target, display);
        // All have the map, and one makes the files of it.
        if (isHelper)
            return;
        var ofFile = info.MicrometresPerPixel ?? parsed.GetValue(ResolutionOfFiles) ?? description.Preparation.AssumedMicrometresPerPixel;
        var place = MapPlace.Of(info with { MicrometresPerPixel = ofFile }, map.Height, map.Width);

        string File(string ending) => Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(path)}.{ending}");
        var className = description.Task.Outputs[map.Target];
        var answer = AnswerPicture.Answer(description, map);
        // Of two runs that explain one image into one folder the last one's files are there in the end, all of them.
        using var hold = FolderLock.Take(folder, TimeSpan.FromMinutes(10));
        AnswerPicture.Write(File("overlay.png"), map, model, description, info, parsed.GetValue(Side));
        using var missing = NoDataMask.Open(path, Reading(parsed, description.Preparation));
        map.WriteTiff(File("saliency.tif"), place, missing);
        if (parsed.GetValue(Raw))
            map.WriteRawTiff(File("gradient.tif"), place, [.. readings.SelectMany(reading => reading.ChannelNames)], missing);
        var regions = HotRegion.Find(map);
        var kept = regions.Take(parsed.GetValue(Regions)).ToArray();
        RegionFile.Write(File("regions.geojson"), kept, className, place, parsed.GetValue(InMap));

        var hottest = regions.Count == 0
            ? ""
            : string.Create(
                CultureInfo.InvariantCulture,
                $", the hottest around row {Centre(regions[0], 1) * place.Down:0}, column {Centre(regions[0], 0) * place.Across:0}");
        said.WriteLine(Printable.Of($"{path}: {answer}."));
        said.WriteLine($"  {Overlay.Describe(map)}");
        said.WriteLine(
            $"  {regions.Count} hot region(s){(kept.Length < regions.Count ? $", of which {kept.Length} are written" : "")}{hottest}");
        var raw = parsed.GetValue(Raw) ? $", {Path.GetFileName(File("gradient.tif"))}" : "";
        said.WriteLine(
            $"  {File("overlay.png")}, {Path.GetFileName(File("saliency.tif"))}{Scale(map, info)}, "
            + $"{Path.GetFileName(File("regions.geojson"))}{raw}");
    }

    /// <summary>The map. The image is closed again when it is there: a photograph is held decoded as long as it is open.</summary>
    private SaliencyMap Compute(
        ParseResult parsed, StreamingClassifier model, ImagePreparation preparation, ImageInfo info, int? target, SaliencyDisplay display)
    {
        using var image = AnswerPicture.Open(info.Path, preparation, Reading(parsed, preparation));
        return display.Show(info.Path, () => SaliencyMap.Compute(model, image, new()
        {
            Method = parsed.GetValue(Method),
            Target = target,
            Blur = parsed.GetValue(Blur) / ((double)info.Width / image.Width),
            Percentile = parsed.GetValue(Percentile),
            Passes = parsed.GetValue(Passes),
            Noise = parsed.GetValue(Noise),
            Seed = parsed.GetValue(Seed),
            TemporaryFolder = parsed.GetValue(Output),
            Progress = display,
        }));
    }

    /// <summary>As in training, unless the command line asks for another resolution.</summary>
    private ImageOptions Reading(ParseResult parsed, ImagePreparation preparation)
    {
        var options = preparation.For(parsed.GetValue(ResolutionOfFiles)).Options;
        if (parsed.GetValue(Downsample) is { } factor)
            options = options with { Downsample = factor, MicrometresPerPixel = null };
        else if (parsed.GetValue(Resolution) is { } resolution)
            options = options with { Downsample = null, MicrometresPerPixel = resolution };
        else if (parsed.GetValue(Level) is { } level)
            options = options with { Downsample = null, MicrometresPerPixel = null, Level = level };
        return options;
    }

    /// <summary>
    /// How much smaller than the file's image the map is, which is as large as what the model reads; nothing where it
    /// is as large.
    /// </summary>
    private static string Scale(SaliencyMap map, ImageInfo info) => map.Width == info.Width && map.Height == info.Height
        ? ""
        : string.Create(
            CultureInfo.InvariantCulture,
            $" ({map.Height} x {map.Width} px, 1/{(double)info.Width / map.Width:0.##} of the image's {info.Height} x {info.Width})");

    private static double Centre(HotRegion region, int axis)
    {
        var values = region.Rings[0].Select(corner => axis == 0 ? corner.X : corner.Y).ToArray();
        return (values.Min() + values.Max()) / 2;
    }
}
