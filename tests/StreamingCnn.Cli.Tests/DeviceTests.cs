using System.Diagnostics;
using StreamingCnn.Cli.Benchmarking;
using StreamingCnn.Cli.Input;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary>
/// Commands on a device that is not the processor. Where there is no GPU, which is everywhere that these tests have run so far, libtorch's
/// lazy tensors take its place: an operation that finds a tensor on the host fails.
/// </summary>
public sealed class DeviceTests : IDisposable
{
    private const string Variable = "SCNN_DEVICES";

    private readonly TemporaryFolder folder = new();

    public void Dispose()
    {
        ComputeDevice.StandIn = null;
        folder.Dispose();
    }

    [Theory]
    [InlineData("train data")]
    [InlineData("evaluate model data")]
    [InlineData("predict model image.png")]
    [InlineData("saliency image.png --weights model -o maps")]
    [InlineData("verify")]
    [InlineData("plan")]
    [InlineData("bench")]
    public void A_device_that_is_missing_is_refused_at_once(string command)
    {
        Assert.SkipWhen(cuda.is_available(), "There is a GPU here.");
        var clock = Stopwatch.StartNew();

        var run = CommandLine.Run([.. command.Split(' '), "--device", "cuda:1"]);

        run.IsRefused(
            "The device cuda:1 was asked for, but this build of libtorch carries no CUDA; write cpu or auto, or name the folder of a build with CUDA in the environment variable SCNN_LIBTORCH, such as torch/lib of a Python installation with PyTorch.");
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 2);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void What_is_no_device_is_refused() => CommandLine.Run("plan", "--device", "gpu").IsRefused(
        "'gpu' is no device; write cpu, cuda, cuda:0 and so on for one of several, or auto.");

    [Fact]
    public void Auto_is_the_processor_where_there_is_nothing_else()
    {
        Assert.SkipWhen(cuda.is_available(), "There is a GPU here.");

        var plan = CommandLine.Run("plan", "--model", "small", "--size", "256", "--tile", "64", "--device", "auto");

        Assert.Equal("", plan.Errors);
        Assert.Contains("\nComputing on cpu.\n", plan.Output.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void A_map_of_classes_is_learned_and_predicted_there()
    {
        ComputeDevice.StandIn = There();
        manual_seed(2);
        folder.Write("pairs.csv", "image,mask,split\n" + string.Concat(Enumerable.Range(0, 4).Select(i =>
        {
            NumpyFile.Write(folder.Write($"{i}.npy", ""), (rand(64, 48, 3) * 255).to(ScalarType.Byte));
            NumpyFile.Write(folder.Write($"{i}.mask.npy", ""), rand(64, 48, 1).gt(0.5).to(ScalarType.Byte));
            return $"{i}.npy,{i}.mask.npy,{(i < 2 ? "train" : "validation")}\n";
        })));

        foreach (var loss in new[] { "cross-entropy", "dice-cross-entropy" })
        {
            Assert.Equal("", CommandLine.Run(
                "train", folder.File("pairs.csv"), "--task", "segmentation", "--classes", "ground,disc", "--epochs", "1", "--tile", "32",
                "--loss", loss, "--device", "cuda", "-o", folder.File(loss)).Errors);
        }

        var run = folder.File("dice-cross-entropy");
        var evaluated = CommandLine.Run("evaluate", run, folder.File("pairs.csv"), "--resamples", "0", "--device", "cuda", "--tile", "32");
        Assert.Equal("", evaluated.Errors);
        var maps = CommandLine.Run("predict", run, folder.File("0.npy"), "-o", folder.File("maps"), "--device", "cuda", "--tile", "32");
        Assert.Contains("1 of 1 images predicted", maps.Output);
    }

    [Theory]
    [InlineData("small", "float64")]
    [InlineData("small", "float32")]
    public void A_streamed_run_there_equals_the_whole_image_s(string model, string precision)
    {
        ComputeDevice.StandIn = There();

        var verify = CommandLine.Run("verify", "--model", model, "--size", "64", "--tile", "48", "--precision", precision, "--device", "cuda");

        Assert.True(verify.Output.TrimEnd().EndsWith("PASS", StringComparison.Ordinal), verify.Errors + verify.Output);
    }

    [Fact]
    public void A_benchmark_s_step_runs_there()
    {
        ComputeDevice.StandIn = There();
        foreach (var method in Enum.GetValues<StepMethod>())
        {
            var cost = StepProcess.Run(new("small", 128, 128, method, method.IsTiled() ? 64 : 0, 0, 1, 0, Device: "cuda:0"));
            Assert.InRange(cost.Seconds, 1e-9, 60);
        }
    }

    [Fact]
    public void A_benchmark_s_table_keeps_the_device()
    {
        var setting = new StepSetting("resnet18", 64, 64, StepMethod.Whole, 0, 0, 1, 1, Models.NormKind.Batch, "cuda:1");

        Assert.Equal("resnet18 --norm batch --device cuda:1", setting.ModelText);
        Assert.Equal(("resnet18", Models.NormKind.Batch, "cuda:1"), StepSetting.Parse(setting.ModelText));
        Assert.Equal(("resnet18", Models.NormKind.Frozen, "cpu"), StepSetting.Parse((setting with { Norm = default, Device = "cpu" }).ModelText));
    }

    /// <summary>Lazy tensors are slow: where every change is tested, a few commands are enough.</summary>
    private static Device There()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable(Variable) == "all", $"{Variable}=all tries this.");
        return OtherDevice.Get();
    }
}
