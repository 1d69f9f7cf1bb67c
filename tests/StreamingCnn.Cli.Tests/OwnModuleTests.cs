using System.Text.Json.Nodes;
using StreamingCnn.Graph;
using StreamingCnn.Interop.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Cli.Tests;

/// <summary>A network of somebody's own that counts how often its code was run.</summary>
public sealed class OwnTrunk : StreamingBlock
{
    private readonly Conv2d conv;

    public OwnTrunk(int channels)
        : base(nameof(OwnTrunk))
    {
        Made++;
        conv = Conv2d(channels, 4, 3, stride: 2, padding: 1);
        RegisterComponents();
    }

    public static int Made { get; private set; }

    public override FeatureMap Trace(FeatureMap input) => input.Through(conv);
}

/// <summary>Another one, with parameters of the same names and shapes.</summary>
public sealed class OtherTrunk : StreamingBlock
{
    private readonly Conv2d conv;

    public OtherTrunk(int channels)
        : base(nameof(OtherTrunk))
    {
        conv = Conv2d(channels, 4, 3, stride: 2, padding: 1);
        RegisterComponents();
    }

    public override FeatureMap Trace(FeatureMap input) => input.Through(conv) + input.Through(conv);
}

/// <summary>Code is run because the command line names its assembly, every time, and never because a file does.</summary>
public sealed class OwnModuleTests : IDisposable
{
    private static readonly string Own = $"{typeof(OwnTrunk).Assembly.Location}:{typeof(OwnTrunk).FullName}";
    private static readonly string Other = $"{typeof(OtherTrunk).Assembly.Location}:{typeof(OtherTrunk).FullName}";

    private readonly TemporaryFolder folder = new();

    public OwnModuleTests() => TrainedModel.WriteImages(folder, "data", 4);

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("predict WEIGHTS DATA")]
    [InlineData("evaluate WEIGHTS DATA -o OUT")]
    [InlineData("saliency DATA/dark/0.npy -w WEIGHTS -o OUT")]
    public void Weights_that_name_an_assembly_load_it_only_where_the_command_line_does(string line)
    {
        var weights = WriteWeights(Own);
        var before = OwnTrunk.Made;

        Run(line).IsRefused(
            $"The weights in '{weights}' are those of '{typeof(OwnTrunk).FullName}', a module of somebody's own, "
            + "and code is never loaded because a file asks for it; "
            + $"if you trust the assembly that has it, name it: --model path/to/Assembly.dll:{typeof(OwnTrunk).FullName}, "
            + "and its code will be run.");
        Run($"{line} --model {Other}").IsRefused(
            $"The weights in '{weights}' are those of '{typeof(OwnTrunk).FullName}', and not of '{Other}'; name that type by --model.");
        Run($"{line} --model small").IsRefused("'small' is no module of your own; write path/to/Assembly.dll:Namespace.Type.");
        Assert.Equal(before, OwnTrunk.Made);

        var run = Run($"{line} --model {Own}");
        Assert.Equal(("", Program.Success), (run.Errors, run.ExitCode));
        Assert.True(OwnTrunk.Made > before);
    }

    /// <summary>
    /// The path that a file states is not even looked at: on some systems looking is enough to send a password to
    /// another machine.
    /// </summary>
    [Theory]
    [InlineData("//elsewhere/share/x.dll:Evil")]
    [InlineData("../../x.DLL:Evil")]
    [InlineData("/no/such/file.dll:Evil, Another.Assembly")]
    public void A_path_in_weights_counts_for_nothing(string stated)
    {
        var weights = WriteWeights(stated);

        var refused = Run("predict WEIGHTS DATA");

        Assert.Equal(Program.Failure, refused.ExitCode);
        var type = stated[(stated.IndexOf(':', StringComparison.Ordinal) + 1)..];
        Assert.StartsWith(
            $"error: The weights in '{weights}' are those of '{type}', a module of somebody's own",
            refused.Errors,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_of_the_catalog_take_no_assembly()
    {
        var weights = WriteWeights("small");
        var before = OwnTrunk.Made;

        Run($"predict WEIGHTS DATA --model {Own}")
            .IsRefused($"The weights in '{weights}' are those of 'small', which comes with the program, "
                + $"and not of '{Own}'; leave out --model.");
        Assert.Equal(before, OwnTrunk.Made);
    }

    /// <summary>Also where a value is written so that it might be taken for an option, or for a file of arguments.</summary>
    [Theory]
    [InlineData("""{ "model": "OWN" }""")]
    [InlineData("""{ "data": "--model=OWN" }""")]
    [InlineData("""{ "data": "@ARGUMENTS" }""")]
    [InlineData("""{ "labels": "@ARGUMENTS" }""")]
    [InlineData("""{ "labels": ["label", "--model", "OWN"] }""")]
    [InlineData("""{ "resume": "elsewhere" }""")]
    [InlineData("""{ "config": "ARGUMENTS" }""")]
    public void A_file_of_options_cannot_have_code_run(string options)
    {
        var arguments = folder.Write("arguments", $"--model\n{Own}\n");
        var file = folder.Write(
            "options.json",
            options.Replace("OWN", Own, StringComparison.Ordinal).Replace("ARGUMENTS", arguments, StringComparison.Ordinal));
        var before = OwnTrunk.Made;

        var table = folder.Write("table.csv", "image,label\ndata/dark/0.npy,a\ndata/light/1.npy,b\n");

        var run = Run($"train {(options.Contains("data", StringComparison.Ordinal) ? "" : table + " ")}--config {file} -o OUT");

        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Equal(before, OwnTrunk.Made);
        Assert.False(Directory.Exists(folder.File("out")));
    }

    [Fact]
    public void A_run_names_its_assembly_at_the_start_and_whenever_it_goes_on()
    {
        var recipe = folder.Write("recipe.json", $$"""{ "model": "{{Own}}", "epochs": 1, "tile": "32", "validation": 0 }""");
        Run($"train DATA --config {recipe} -o OUT").IsRefused(
            "The options name the assembly of a module, and code is never loaded because a file asks for it; "
            + $"if you trust it, add --model {Own}, and its code will be run.");
        var first = Run($"train DATA --config {recipe} -o OUT --model {Own}");
        Assert.Equal(("", Program.Success), (first.Errors, first.ExitCode));

        var before = OwnTrunk.Made;
        Run("train --resume OUT --epochs 2").IsRefused(
            "The options name the assembly of a module, and code is never loaded because a file asks for it; "
            + $"if you trust it, add --model {Own}, and its code will be run.");
        Assert.Equal(before, OwnTrunk.Made);

        var resumed = Run($"train --resume OUT --epochs 2 --model {Own}");
        Assert.Equal(("", Program.Success), (resumed.Errors, resumed.ExitCode));
        Assert.Equal(3, File.ReadAllLines(folder.File("out/metrics.csv")).Length);
    }

    [Fact]
    public void A_run_of_the_catalog_is_not_talked_into_another_model()
    {
        Assert.Equal("", Run("train DATA --epochs 1 --tile 32 --validation 0 -o OUT").Errors);
        var options = JsonNode.Parse(File.ReadAllText(folder.File("out/options.json")))!;
        options["model"] = Own;
        File.WriteAllText(folder.File("out/options.json"), options.ToJsonString());
        var before = OwnTrunk.Made;

        Assert.Equal(Program.Failure, Run("train --resume OUT --epochs 2").ExitCode);
        Assert.Equal(before, OwnTrunk.Made);
    }

    private CommandLine Run(string line) => CommandLine.Run(
    [
        .. line.Split(' ').Select(part => part
            .Replace("WEIGHTS", folder.File("model.safetensors"), StringComparison.Ordinal)
            .Replace("DATA", folder.File("data"), StringComparison.Ordinal)
            .Replace("OUT", folder.File("out"), StringComparison.Ordinal)),
    ]);

    /// <summary>Weights whose header says that they are of some module.</summary>
    private string WriteWeights(string stated)
    {
        var path = folder.File("model.safetensors");
        var description = TrainedModel.Description(TrainedModel.Classes) with { Trunk = stated == "small" ? "small" : Own };
        using var model = description.Create();
        WeightFile.Save(model, path, new Dictionary<string, string>(description.ToMetadata()) { ["model"] = stated });
        return path;
    }
}
