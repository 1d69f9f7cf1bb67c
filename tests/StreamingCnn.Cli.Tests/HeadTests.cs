using System.Text.RegularExpressions;
using StreamingCnn.Imaging;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary>Models are streamed with their heads by all commands.</summary>
public class HeadTests
{
    [Theory]
    [InlineData("average")]
    [InlineData("max")]
    [InlineData("attention")]
    [InlineData("lse")]
    [InlineData("gem")]
    [InlineData("topk")]
    public void A_plan_is_that_of_the_whole_model(string pooling)
    {
        var run = CommandLine.Run("plan", "--model", "small", "--size", "300", "--tile", "128", "--pooling", pooling, "--classes", "5");

        Assert.Equal((Program.Success, ""), (run.ExitCode, run.Errors));
        Assert.Contains("output     1 x 1\n", run.Output);
        Assert.Contains("outputs    0.0 MiB", run.Output);
        Assert.DoesNotContain("stages", run.Output);
    }

    [Fact]
    public void A_plan_is_of_the_mode_that_training_runs_in()
    {
        string Plan(string norm) => CommandLine.Run("plan", "--model", "resnet18", "--size", "96", "--tile", "64", "--norm", norm).Output;

        Assert.DoesNotContain("stages", Plan("frozen"));
        // 20 norms one behind the other, of which those of a shortcut have the stage of others.
        Assert.Contains("stages     18;", Plan("batch"));
        Assert.Contains("stages     18;", Plan("group"));
    }

    [Fact]
    public void A_network_with_gates_and_norms_of_batches_goes_through_all_commands()
    {
        using var folder = new TemporaryFolder();
        TrainedModel.WriteImages(folder, "data", 6);
        Ok("train", folder.File("data"), "--model", "mobilenetv3-small", "--norm", "batch", "--maps", "file", "--carry-folder", folder.File("waiting"),
            "--pooling", "attention", "--dropout", "0.2", "--epochs", "1", "--tile", "48", "--validation", "0.34", "-o", folder.File("run"));
        Assert.Contains("\"maps\": \"file\"", File.ReadAllText(folder.File("run/options.json")));
        var resumed = Ok("train", "--resume", folder.File("run"), "--epochs", "2");
        Assert.Contains("takes the statistics of each image by itself", resumed);
        Assert.Equal(3, File.ReadAllLines(folder.File("run/metrics.csv")).Length);
        Assert.Contains("accuracy", Ok("evaluate", folder.File("run"), folder.File("data"), "--resamples", "0", "--tile", "48"));
        var predictions = Ok("predict", folder.File("run"), folder.File("data"), "--tile", "48").Split(
            '\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(7, predictions.Length);

        var maps = Ok("saliency", folder.File("data/dark/0.npy"), "-w", folder.File("run"), "-o", folder.File("maps"),
            "--method", "attention", "--raw", "--blur", "0", "--tile", "48");
        Assert.Contains("attention, 70 x 60 px", maps);
        using (NewDisposeScope())
        {
            using var map = ImageSource.Open(folder.File("maps/0.gradient.tif"));
            Assert.Equal(1, map.Read(0, 0, map.Height, map.Width).mean().item<float>(), 0.2);
        }

        Assert.Empty(Directory.GetFiles(folder.File("waiting")));
        CommandLine.Run(
            "train",
            folder.File("data"),
            "--model",
            "small",
            "--epochs",
            "1",
            "--tile",
            "48",
            "--pooling",
            "topk",
            "-o",
            folder.File("other"));
        CommandLine.Run(
            "saliency", folder.File("data/dark/0.npy"), "-w", folder.File("other"), "-o", folder.File("maps"), "--method", "attention")
            .IsRefused("--method attention is of models with --pooling attention, but this one was trained with --pooling topk; choose another method.");

        static string Ok(params string[] args)
        {
            var run = CommandLine.Run(args);
            Assert.Equal((Program.Success, ""), (run.ExitCode, Regex.Replace(run.Errors, "^Predicting.*\n|^Note.*\n", "")));
            return run.Output;
        }
    }
}
