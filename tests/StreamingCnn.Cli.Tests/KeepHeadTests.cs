using StreamingCnn.Interop.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary>A training that begins with all of an earlier model.</summary>
public sealed class KeepHeadTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public KeepHeadTests()
    {
        manual_seed(3);
        foreach (var data in (string[])["data", "other"])
        {
            for (var i = 0; i < 8; i++)
            {
                var name = data == "data" ? $"{i % 2}" : $"{(i % 2) + 1}";
                NumpyFile.Write(folder.Write($"{data}/{name}/{i}.npy", ""), (rand(32, 40, 3) * 255).to(ScalarType.Byte));
            }
        }

        Assert.Equal("", Train("first", "data").Errors);
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_head_goes_on_where_it_was_or_begins_anew(bool isKept)
    {
        var run = Train("second", "data", ["--weights", folder.File("first/best.safetensors"), .. isKept ? ["--keep-head"] : (string[])[]]);

        Assert.Equal("", run.Errors);
        Assert.Equal(!isKept, run.Output.Contains("belong to no layer of the trunk", StringComparison.Ordinal));
        // At such a rate nothing is learned.
        Assert.True(Distance("features.trunk") < 1e-6);
        Assert.Equal(isKept, Distance("head") < 1e-6);

        double Distance(string part)
        {
            using var scope = NewDisposeScope();
            var (first, second) = (Read("first"), Read("second"));
            var names = first.Keys.Where(name => name.StartsWith(part, StringComparison.Ordinal) && name.EndsWith("weight")).ToArray();
            Assert.NotEmpty(names);
            return names.Max(name => (first[name] - second[name]).abs().max().item<float>());
        }

        IReadOnlyDictionary<string, Tensor> Read(string name) => Safetensors.Read(folder.File($"{name}/last.safetensors"));
    }

    [Fact]
    public void A_head_that_was_trained_for_something_else_is_refused()
    {
        var path = folder.File("first/best.safetensors");
        Train("refused", "other", "--weights", path, "--keep-head").IsRefused(
            $"--keep-head takes the head of a model that was trained for the same, but its outputs in '{path}' are 0, 1 and here 1, 2; leave it out, or take another model.");
        Train("refused", "data", "--keep-head").IsRefused(
            "--keep-head is of --weights that scnn wrote, without --weights-prefix; leave it out, or name such a file of weights.");
        Assert.False(Directory.Exists(folder.File("refused")));
    }

    private CommandLine Train(string name, string data, params string[] options) => CommandLine.Run(
        [
            "train", folder.File(data), "--tile", "32", "--epochs", "1", "--validation", "0.25", "--rate", "1e-12", "--decay", "0",
            "--worst", "0", "--seed", name == "first" ? "1" : "2", "-o", folder.File(name), .. options,
        ]);
}
