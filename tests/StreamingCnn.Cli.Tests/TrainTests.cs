using System.Text.RegularExpressions;
using StreamingCnn.Interop.Weights;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

public class TrainTests
{
    [Fact]
    public void A_folder_per_class_is_learned_and_the_weights_are_written()
    {
        using var folder = new TemporaryFolder();
        manual_seed(1);
        for (var i = 0; i < 6; i++)
        {
            NumpyFile.Write(folder.Write($"data/dark/{i}.npy", ""), (rand(60 + i, 50, 3) * 100).to(ScalarType.Byte));
            NumpyFile.Write(folder.Write($"data/light/{i}.npy", ""), (rand(50, 60 + i, 3) * 100 + 150).to(ScalarType.Byte));
        }

        var run = CommandLine.Run(
            "train",
            folder.File("data"),
            "--tile",
            "32",
            "--epochs",
            "6",
            "--batch",
            "2",
            "--rate",
            "0.01",
            "--validation",
            "0.34",
            "--output",
            folder.File("run"));

        Assert.Equal("", run.Errors);
        Assert.Equal(Program.Success, run.ExitCode);
        Assert.Contains("8 images to train on, 4 to validate, 0 to test; classes: dark, light.", run.Output);
        Assert.Contains("Validation accuracy of the best weights 1.000; chance is 0.500.", run.Output);
        // The report is promised when it is there.
        Assert.Matches(
            $@"\nDone after \d+ s\. Weights, metrics and report\.html in {Regex.Escape(folder.File("run"))}\.\r?\n$", run.Output);
        Assert.True(File.Exists(folder.File("run/report.html")));
        Assert.Equal("dark\nlight", Safetensors.ReadMetadata(folder.File("run/best.safetensors"))["outputs"]);
        Assert.Equal(7, File.ReadAllLines(folder.File("run/metrics.csv")).Length);
        Assert.Equal(5, File.ReadAllLines(folder.File("run/validation.csv")).Length);
        Assert.Empty(Directory.GetFiles(folder.Path, "*.part", SearchOption.AllDirectories));
    }
}
