using System.CommandLine;
using System.Globalization;
using StreamingCnn.Imaging;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using StreamingCnn.Training.Maps;
using StreamingCnn.Training.Runs;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Input;

/// <summary>Options that several commands share, so that they read and explain themselves alike.</summary>
internal static class CommonOptions
{
    /// <param name="fallback">The model where none is named.</param>
    /// <param name="takesScripts">
    /// Whether it may be a module of TorchScript, which is run with overlapping tiles and cannot be planned.
    /// </param>
    public static Option<string> Model(string fallback, bool takesScripts = false)
    {
        var option = Parsed(
            "--model",
            $"Trunk to stream: {string.Join(", ", ModelCatalog.Names)}; "
            + "a file of ONNX, path/to/network.onnx, what stands before its classifier; "
            + "the network in a package that NuGet has fetched, nuget:Package.Name; "
            + (takesScripts ? "with --mode overlap a module of TorchScript, path/to/trunk.pt, whose code is run; " : "")
            + "or a module of your own, path/to/Assembly.dll:Namespace.Type, whose code is run.",
            name => TrunkSource.IsScript(name) && !takesScripts
                ? throw new FormatException($"'{Excerpt.Of(name)}' is a module of TorchScript, which the engine cannot see into, so that no command but verify takes it; export the network as ONNX, or train it in C# with ScriptedTrunk.")
                : TrunkSource.IsScript(name) || TrunkSource.IsOwn(name) || TrunkSource.IsOnnx(name)
                    || ModelCatalog.Names.Contains(name, StringComparer.OrdinalIgnoreCase)
                ? name
                : throw new FormatException(
                    $"There is no model '{Excerpt.Of(name)}'; {Suggestion.Ahead(name, ModelCatalog.Names)}choose one that scnn plan --help lists."),
            fallback);
        option.Aliases.Add("-m");
        return option;
    }

    public static Option<NormKind> Norm() => Choice(
        "--norm",
        "How the model normalises (frozen: batch norm with its running statistics; batch: batch norm with the statistics of the images "
        + "that go through together; group and instance: those norms instead, with weights of their own). All but frozen are for models "
        + $"that leave the choice, {string.Join(", ", ModelCatalog.NamesWithNorms)}, and batch for a module of your own",
        NormKind.Frozen);

    /// <summary>The assembly of a model that exists already, where it was made with one. It is never taken from a file.</summary>
    public static Option<string?> OwnModule()
    {
        var option = Parsed<string?>(
            "--model",
            "Where the model was trained with a module of your own: path/to/Assembly.dll:Namespace.Type. "
            + "Its code is run, so name what you trust.",
            name => TrunkSource.IsOwn(name)
                ? name
                : throw new FormatException($"'{name}' is no module of your own; write path/to/Assembly.dll:Namespace.Type."),
            null);
        option.Aliases.Add("-m");
        return option;
    }

    public static Option<(int Height, int Width)> Size(string fallback) =>
        Parsed("--size", "Image size in pixels, HEIGHTxWIDTH or one number for a square.", PixelSize.Parse, fallback);

    public static Option<(int Height, int Width)?> Tile(string? fallback = null) => Parsed<(int, int)?>(
        "--tile",
        $"Tile size in image pixels, HEIGHTxWIDTH or one number for a square; any size gives the same result.{(fallback is null ? " Default: chosen from --memory." : "")}",
        text => PixelSize.Parse(text),
        fallback);

    public static Option<long?> Memory() => Parsed<long?>(
        "--memory",
        "Memory budget of a step, such as 512MiB, 4GiB or 2GB. Default: three quarters of what is free, on the device that computes.",
        text => ByteSize.Parse(text),
        null);

    public static Option<ComputeDevice> Device() => Parsed(
        "--device",
        "Device that computes: cpu; cuda, of several GPUs one for each process of a machine; cuda:1, the second one; "
        + "auto, cuda where there is one, else cpu. With +tf32 behind it, a GPU rounds what it multiplies, which is faster and not exact.",
        ComputeDevice.Parse,
        ComputeDevice.Cpu.ToString());

    public static Option<bool> SplitImage() => new("--split-image")
    {
        Description = "Several processes work on each image together, each on a stripe of it, instead of each on an image of its own.",
    };

    /// <summary>Bands of images.</summary>
    /// <param name="otherwise">What counts where it is not given, as a sentence.</param>
    public static Option<BandChoice?> Bands(string otherwise) => Parsed<BandChoice?>(
        "--bands",
        "Bands that are read, in this order, separated by commas: numbers from 1, or names that files give their bands, such as 4,3,2 or "
        + $"nir,red,green. Alpha counts as a band. {otherwise}",
        BandChoice.Parse,
        null);

    /// <summary>Bands of images for a model that knows which it was trained on.</summary>
    public static Option<BandChoice?> BandsOfModel() => Bands("Default: those that the model was trained on.");

    public static Option<StreamingMode> Mode() => Parsed(
        "--mode",
        "exactly-once, or overlap for overlapping tiles.",
        text => ((StreamingMode[])[StreamingMode.ExactlyOnce, StreamingMode.Overlap])
            .Where(mode => NameOf(mode) == text).Cast<StreamingMode?>().FirstOrDefault()
            ?? throw new FormatException($"'{text}' is not a mode; write exactly-once or overlap."),
        NameOf(StreamingMode.ExactlyOnce));

    /// <summary>A mode as it is written and printed; the enumeration's names are the program's own.</summary>
    public static string NameOf(StreamingMode mode) => mode == StreamingMode.Overlap ? "overlap" : "exactly-once";

    public static Option<ScalarType> Precision() => Parsed(
        "--precision",
        "float64, float32 or bfloat16.",
        text => text switch
        {
            "float64" => ScalarType.Float64,
            "float32" => ScalarType.Float32,
            "bfloat16" => ScalarType.BFloat16,
            _ => throw new FormatException($"'{text}' is not a precision; write float64, float32 or bfloat16."),
        },
        "float64");

    public static Option<ComputePrecision> Compute() => Choice(
        "--compute",
        "Type of feature maps: that of the parameters, or bfloat16, which takes half the memory and changes outputs by about 1 % and gradients by about 2 %",
        ComputePrecision.Parameters);

    public static Option<int> Number(string name, string description, int fallback, int smallest) => Parsed(
        name, description, text => NumberText.Whole(text, name, smallest), fallback.ToString(CultureInfo.InvariantCulture));

    public static Option<int> Worst() => Number(
        "--worst",
        "Images predicted worst that the report shows, each with what in it spoke for the answer, which takes a pass over each; 0 for none.",
        8,
        0);

    /// <summary>A whole number that may be left out.</summary>
    public static Option<int?> OptionalNumber(string name, string description, int smallest) =>
        Parsed<int?>(name, description, text => NumberText.Whole(text, name, smallest), null);

    /// <summary>A number between bounds.</summary>
    /// <param name="name">The option.</param>
    /// <param name="description">What it is.</param>
    /// <param name="fallback">What it is where it is not given.</param>
    /// <param name="smallest">The smallest number allowed.</param>
    /// <param name="largest">The largest number allowed.</param>
    /// <param name="allowed">The bounds in words, to follow "write one".</param>
    public static Option<double> Real(string name, string description, double fallback, double smallest, double largest, string allowed) =>
        Parsed(
        name,
        description,
        text => NumberText.Real(text, name, value => value >= smallest && value <= largest, allowed),
        fallback.ToString(CultureInfo.InvariantCulture));

    /// <summary>A part of a whole that leaves something over, from 0 to below 1.</summary>
    public static Option<double> Share(string name, string description, double fallback) =>
        Real(name, description, fallback, 0, 0.999, "from 0 to below 1");

    /// <summary>An option of several values, separated by commas.</summary>
    public static Option<T[]> Several<T>(string name, string description, Func<string, T> parse, string? fallback) =>
        Parsed(name, description, text => text.Split(',', StringSplitOptions.TrimEntries).Select(parse).ToArray(), fallback);

    /// <summary>Views of an image whose maps of classes are averaged.</summary>
    public static Option<MapAverage> MapAverage() => Choice(
        "--average",
        "Of models that give maps of classes: take the mean of the probabilities of the image's mirror images, turned back; of flips there are 4, of turns, by quarters as well, 8, and it takes as many times as long",
        Training.Maps.MapAverage.None);

    /// <summary>The middle of drawn boxes.</summary>
    public static Option<double?> BoxCore(string rest) => OptionalReal(
        "--box-core",
        "Of --task segmentation: the middle share of each side of drawn boxes (.csv) that is of their class, above 0 and at most 1, such as 0.6, so that boxes that touch stay apart; "
        + rest,
        0,
        1);

    /// <summary>An option with a parser of ours, whose complaint is a whole sentence.</summary>
    public static Option<T> Parsed<T>(string name, string description, Func<string, T> parse, string? fallback)
    {
        var option = new TextOption<T>(name, fallback)
        {
            Description = fallback is null ? description : $"{description} [default: {fallback}]",
            // The names of an enumeration are the program's, not what is to be written.
            HelpName = name.TrimStart('-'),
            CustomParser = result =>
            {
                try
                {
                    return parse(result.Tokens[0].Value);
                }
                catch (FormatException reason)
                {
                    result.AddError(reason.Message);
                    return default!;
                }
            },
        };
        if (fallback is not null)
        {
            var value = parse(fallback);
            option.DefaultValueFactory = _ => value;
        }

        return option;
    }

    /// <summary>One of the values of an enumeration, in lower case.</summary>
    /// <param name="name">The option.</param>
    /// <param name="description">What it is, without a full stop.</param>
    /// <param name="fallback">What it is where it is not given.</param>
    /// <param name="nameOf">How a value is written; null for its name in lower case.</param>
    public static Option<T> Choice<T>(string name, string description, T fallback, Func<T, string>? nameOf = null)
        where T : struct, Enum
    {
        nameOf ??= InLowerCase;
        return Parsed(name, $"{description}: {Names(nameOf)}.", text => Value(text, name, nameOf), nameOf(fallback));
    }

    /// <summary>One of the values of an enumeration, in lower case, or none.</summary>
    /// <param name="name">The option.</param>
    /// <param name="description">What it is, without a full stop.</param>
    /// <param name="otherwise">What counts where it is not given, as a sentence.</param>
    public static Option<T?> OptionalChoice<T>(string name, string description, string otherwise)
        where T : struct, Enum => Parsed<T?>(
            name, $"{description}: {Names<T>(InLowerCase)}. {otherwise}", text => Value<T>(text, name, InLowerCase), null);

    /// <summary>A number that may be left out.</summary>
    public static Option<double?> OptionalReal(string name, string description, double above, double largest) => Parsed<double?>(
        name,
        description,
        text => NumberText.Real(
            text,
            name,
            value => value > above && value <= largest,
            string.Create(CultureInfo.InvariantCulture, $"above {above}{(largest < double.MaxValue ? $" and at most {largest}" : "")}")),
        null);

    /// <summary>How many times smaller images are made.</summary>
    /// <param name="description">Of what, and the default.</param>
    public static Option<double?> Downsample(string description) => Parsed<double?>(
        "--downsample",
        description,
        text => NumberText.Real(
            text,
            "--downsample",
            value => value >= 1 && double.IsFinite(value),
            "of at least 1: images can be made smaller, not larger"),
        null);

    /// <summary>Resolution of files that do not state theirs.</summary>
    /// <param name="otherwise">What counts where it is not given, as a sentence.</param>
    public static Option<double?> ResolutionOfFiles(string otherwise) =>
        OptionalReal("--mpp-of", $"Resolution in micrometres per pixel of files that do not state theirs. {otherwise}", 0, double.MaxValue);

    private static string InLowerCase<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static string Names<T>(Func<T, string> nameOf)
        where T : struct, Enum => string.Join(", ", Enum.GetValues<T>().Select(nameOf));

    private static T Value<T>(string text, string name, Func<T, string> nameOf)
        where T : struct, Enum =>
        Enum.GetValues<T>().Where(value => nameOf(value).Equals(text, StringComparison.OrdinalIgnoreCase)).Cast<T?>().FirstOrDefault()
            ?? throw new FormatException($"'{text}' is no value for {name}; write one of {Names(nameOf)}.");

    private sealed class TextOption<T>(string name, string? defaultText) : Option<T>(name), IDefaultText
    {
        public string? DefaultText => defaultText;

        public void LeaveDefaultToDescription() => DefaultValueFactory = null;
    }
}
