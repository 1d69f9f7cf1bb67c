using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Cli.Tests;

/// <summary>Modules of TorchScript, which the engine's tests have made with PyTorch.</summary>
public sealed class ScriptTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_script_is_verified_with_overlapping_tiles()
    {
        var run = CommandLine.Run(
            "verify", "--model", Script("trunk.pt"), "--mode", "overlap", "--size", "90x121", "--tile", "32x48", "--precision", "float64");
        Assert.Equal("", run.Errors);
        Assert.Contains("second.weight", run.Output);
        Assert.EndsWith($"PASS{Environment.NewLine}", run.Output);
    }

    [Fact]
    public void Exactly_once_it_is_not_streamed() => CommandLine.Run("verify", "--model", "trunk.pt", "--size", "64").IsRefused(
        "'trunk.pt' is a module of TorchScript, which the engine cannot see into and streams with overlapping tiles alone; write --mode overlap.");

    [Theory]
    [InlineData("train", "--demo", "--dry-run")]
    [InlineData("plan", "--mode", "overlap")]
    [InlineData("bench", "--method", "overlap")]
    public void It_is_neither_planned_nor_trained(string command, params string[] options)
    {
        var run = CommandLine.Run([command, .. options, "--model", Script("trunk.pt")]);
        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Contains("so that no command but verify takes it; export the network as ONNX, or train it in C# with ScriptedTrunk.", run.Errors);
    }

    [Fact]
    public void One_that_looks_at_the_whole_image_is_refused()
    {
        var run = CommandLine.Run("verify", "--model", Script("whole.pt"), "--mode", "overlap", "--size", "64", "--tile", "32");
        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Contains("is not local", run.Errors);
    }

    [Fact]
    public void Other_files_are_refused_in_one_sentence()
    {
        var file = folder.Write("weights.pt", "no script");
        var run = CommandLine.Run("verify", "--model", file, "--mode", "overlap");
        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Contains($"The file '{file}' is no TorchScript that this libtorch reads", run.Errors);
        Assert.Single(run.Errors.Trim().Split('\n'));
        CommandLine.Run("verify", "--model", "nowhere.pt", "--mode", "overlap")
            .IsRefused("There is no file 'nowhere.pt'; name one that torch.jit.save has written.");
    }

    [Fact]
    public void A_file_of_weights_does_not_have_a_script_run()
    {
        var description = TrainedModel.Description(TrainedModel.Classes);
        using var model = description.Create();
        WeightFile.Save(model, folder.File("run.safetensors"), (description with { Trunk = Script("trunk.pt") }).ToMetadata());
        var run = CommandLine.Run("export", folder.File("run.safetensors"), "-o", folder.File("model.onnx"));
        Assert.Equal(Program.Failure, run.ExitCode);
        Assert.Contains("does not describe the model", run.Errors);
    }

    private static string Script(string name) => Path.Combine(AppContext.BaseDirectory, "Scripted", name);
}
