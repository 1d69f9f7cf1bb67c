using StreamingCnn.Interop.Weights;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary>Classes in order: named once in training, known to the model ever after.</summary>
public sealed class OrdinalTests : IDisposable
{
    private static readonly string[] Grades = ["low", "middle", "high"];

    private readonly TemporaryFolder folder = new();

    public OrdinalTests()
    {
        manual_seed(3);
        for (var i = 0; i < 12; i++)
            NumpyFile.Write(
                folder.Write($"data/{Grades[i % 3]}/{i}.npy", ""), ((rand(40, 48, 3) * 60) + (i % 3 * 90)).to(ScalarType.Byte));
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_model_knows_their_order()
    {
        var run = CommandLine.Run(
            "train", folder.File("data"), "--ordinal", "low,middle,high", "--tile", "32", "--epochs", "2", "--validation", "0.34",
            "--monitor", "class-distance", "-o", folder.File("run"));

        Assert.Equal("", run.Errors);
        var metadata = Safetensors.ReadMetadata(folder.File("run/best.safetensors"));
        Assert.Equal("low\nmiddle\nhigh", metadata["outputs"]);
        Assert.Equal("yes", metadata["ordered"]);
        Assert.Contains("\nclass distance,", File.ReadAllText(folder.File("run/validation-metrics.csv")));
        var judged = CommandLine.Run(
            "evaluate", folder.File("run"), folder.File("data"), "--tile", "32", "--resamples", "20", "-o", folder.File("judged"));
        Assert.Equal("", judged.Errors);
        Assert.Contains("class distance", judged.Output, StringComparison.Ordinal);
        Assert.StartsWith("image,label,predicted,low,middle,high", File.ReadAllText(folder.File("judged/predictions.csv")));
    }

    [Fact]
    public void An_order_that_is_none_is_refused()
    {
        Refused("The order of classes, low,middle, lacks 'high'; name all classes that images have.", "--ordinal", "low,middle");
        Refused("The class 'low' stands more than once in the order of classes; name each once.", "--ordinal", "low,low,middle,high");
        Refused("--ordinal is of --task classes alone", "--ordinal", "a,b", "--task", "numbers");

        void Refused(string sentence, params string[] options)
        {
            var run = CommandLine.Run(["train", folder.File("data"), .. options, "-o", folder.File("refused")]);
            Assert.Equal(Program.Failure, run.ExitCode);
            Assert.Contains(sentence.Replace("low,middle,", "low, middle,"), run.Errors);
            Assert.False(Directory.Exists(folder.File("refused")));
        }
    }
}
