using StreamingCnn.Cli.Verification;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Models;
using StreamingCnn.Onnx;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary>Networks from files of ONNX, and into them.</summary>
public sealed class OnnxTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Verify_says_what_ONNX_Runtime_says_of_the_file()
    {
        if (OnnxRuntime.Find(Environment.GetEnvironmentVariable) is not { } runtime)
        {
            Assert.Skip("ONNX Runtime is not installed here.");
            return;
        }

        var run = CommandLine.Run("verify", "--model", Written(), "--size", "61x48", "--tile", "24x32");
        Assert.Equal("", run.Errors);
        Assert.Contains($"ONNX Runtime {runtime.Version} on the whole image: largest difference ", run.Output);
        Assert.EndsWith($"PASS{Environment.NewLine}", run.Output);
    }

    [Fact]
    public void Another_result_fails_and_a_library_that_is_not_there_is_named()
    {
        using var scope = NewDisposeScope();
        using var trunk = OnnxNetwork.LoadTrunk(Written());
        var without = RuntimeComparison.Of(trunk, 40, 40, _ => folder.File("none.so"));
        Assert.True(without.Agrees);
        Assert.Contains("SCNN_ONNXRUNTIME", without.Text);

        if (OnnxRuntime.Find(Environment.GetEnvironmentVariable) is not { } runtime)
            return;
        var image = randn(1, 3, 33, 47);
        trunk.Save(folder.File("saved.onnx"));
        var theirs = runtime.Run(File.ReadAllBytes(folder.File("saved.onnx")), image);
        Assert.InRange((theirs - trunk.forward(image)).abs().max().item<float>(), 0, 1e-5f);
        Assert.False(RuntimeComparison.Judged(runtime, theirs + 1, theirs).Agrees);
        Assert.Throws<InvalidOperationException>(() => runtime.Run("no network"u8, image));
    }

    [Fact]
    public void Weights_of_a_file_of_ONNX_start_a_run()
    {
        var run = CommandLine.Run("train", "--demo", "--dry-run", "--model", "small", "--weights", Written());
        Assert.Equal("", run.Errors);
        Assert.Equal(Program.Success, run.ExitCode);
    }

    [Fact]
    public void A_trained_model_is_exported_by_its_ending()
    {
        using var model = TrainedModel.Write(folder.File("run.safetensors"), TrainedModel.Classes);
        foreach (var ending in (string[])["onnx", "safetensors", "pth"])
        {
            var run = CommandLine.Run("export", folder.File("run.safetensors"), "-o", folder.File($"model.{ending}"));
            Assert.Equal("", run.Errors);
            Assert.Contains("(dark, light)", run.Output);
            Assert.True(File.Exists(folder.File($"model.{ending}")));
        }

        CommandLine.Run("export", folder.File("run.safetensors"), "-o", "model.safetensors", "--pixels")
            .IsRefused("--pixels puts the scaling of pixels into a network, and files of weights hold none; leave it out, or write .onnx.");
        CommandLine.Run("export", folder.File("run.safetensors"), "-o", "model.h5")
            .IsRefused("--output is 'model.h5', but models are exported as .onnx, .safetensors or .pth; write such a name.");
    }

    [Fact]
    public void A_model_that_scores_pixels_is_exported_too()
    {
        using var scope = NewDisposeScope();
        var description = TrainedModel.Description(new SegmentationTask(["ground", "disc"], [0, 255]));
        using (var model = description.CreateModel())
            WeightFile.Save(model, folder.File("run.safetensors"), description.ToMetadata());

        var run = CommandLine.Run("export", folder.File("run.safetensors"), "-o", folder.File("model.onnx"), "--pixels");

        Assert.Equal("", run.Errors);
        Assert.Contains("(ground, disc)", run.Output);
        using var again = OnnxNetwork.Load(folder.File("model.onnx"));
        Assert.Equal([1, 2, 45, 61], again.forward(rand(1, 3, 45, 61)).shape);
    }

    private string Written()
    {
        manual_seed(1);
        using var trunk = ModelCatalog.Create("small");
        OnnxExport.Write(trunk, folder.File("small.onnx"));
        return folder.File("small.onnx");
    }
}
