using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary>A run goes on with the data, the settings and the files of its start, or says what is different, and touches nothing.</summary>
public sealed class ResumeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public ResumeTests()
    {
        TrainedModel.WriteImages(folder, "data", 8);
        for (var i = 0; i < 8; i++)
            NumpyFile.Write(folder.Write($"data/mask/{i}.npy", ""), full([70 + i, 60, 1], 255, ScalarType.Byte));
        folder.Write("data/table.csv", "image,label,split,mask\n" + string.Concat(Enumerable.Range(0, 8).Select(Row)));
        Assert.Equal("", CommandLine.Run(
            "train", folder.File("data/table.csv"), "--epochs", "1", "--tile", "32",
            "--foreground", "mask", "-o", folder.File("run")).Errors);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_moved_run_and_moved_data_are_the_same()
    {
        Directory.Move(folder.File("run"), folder.File("other"));
        Assert.Equal("", CommandLine.Run("train", "--resume", folder.File("other"), "--epochs", "2").Errors);
        Directory.Move(folder.File("data"), folder.File("moved"));
        Assert.Equal("", CommandLine.Run(
            "train", folder.File("moved/table.csv"), "--resume", folder.File("other"), "--epochs", "3").Errors);
        Assert.Equal(4, File.ReadAllLines(folder.File("other/metrics.csv")).Length);
    }

    [Fact]
    public void Other_pixels_masks_and_rows_are_refused_and_nothing_is_touched()
    {
        Flip("data/light/1.npy");
        Refused("1 training image with other content (light/1.npy)");
        Flip("data/light/1.npy");
        Flip("data/mask/6.npy");
        Refused("1 validation image with other content (dark/6.npy)");
        Flip("data/mask/6.npy");

        Rows(number => number == 7 ? Row(7).Replace(",b,", ",a,", StringComparison.Ordinal) : Row(number));
        Refused("1 validation image with another label, weight or resolution (light/7.npy)");
        Rows(number => number == 2 ? "" : Row(number));
        Refused("1 training image fewer (dark/2.npy)");
        Rows(number => Row((number + 2) % 8));
        Refused("the training images in another order");
        Rows(Row);
        Assert.Equal("", CommandLine.Run("train", "--resume", folder.File("run"), "--epochs", "2").Errors);
    }

    /// <summary>On the command line or in the record of the options, by a person or by a bit.</summary>
    [Fact]
    public void Other_settings_are_refused()
    {
        var record = File.ReadAllText(folder.File("run/options.json"));
        (string Option, string Value, string Difference)[] cases =
        [
            ("normalize", "imagenet", "mean '"),
            ("downsample", "2", "downsample nothing instead of '2'"),
            ("pooling", "average", "pooling 'Max' instead of 'Average'"),
            ("dropout", "0.5", "dropout '0' instead of '0.5'"),
            ("augment", "mirror", "augment nothing instead of 'mirror'"),
            ("rate", "0.5", "LearningRate 0.001 instead of 0.5"),
            ("seed", "2", "Seed 1 instead of 2"),
        ];
        foreach (var (option, value, difference) in cases)
        {
            folder.Write("run/options.json", record);
            var line = CommandLine.Run("train", "--resume", folder.File("run"), "--epochs", "2", $"--{option}", value);
            var options = JsonNode.Parse(record)!;
            options[option] = value;
            folder.Write("run/options.json", options.ToJsonString());
            var file = CommandLine.Run("train", "--resume", folder.File("run"), "--epochs", "2");

            Assert.Equal(Program.Failure, line.ExitCode);
            Assert.Contains(difference, line.Errors);
            Assert.Contains("resume with the same ones.", line.Errors);
            Assert.Equal(line.Errors, file.Errors);
        }
    }

    /// <summary>Weights as well as checkpoints, whichever command reads them.</summary>
    [Fact]
    public void A_flipped_bit_in_weights_is_told()
    {
        var random = new Random(2);
        var (path, whole) = (folder.File("run/best.safetensors"), File.ReadAllBytes(folder.File("run/best.safetensors")));
        for (var i = 0; i < 50; i++)
        {
            var bytes = whole.ToArray();
            bytes[i < 25 ? random.Next(3000) : random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(path, bytes);

            var refused = CommandLine.Run("predict", folder.File("run"), folder.File("data/dark"));

            Assert.Equal((Program.Failure, ""), (refused.ExitCode, refused.Output));
            Assert.Contains($"'{path}' is not a safetensors file, or is damaged: ", Assert.Single(refused.Errors.TrimEnd().Split('\n')));
        }
    }

    private static string Row(int number) =>
        $"{(number % 2 == 0 ? "dark" : "light")}/{number}.npy,{(number % 2 == 0 ? "a" : "b")},"
        + $"{(number < 6 ? "train" : "validation")},mask/{number}.npy\n";

    private void Rows(Func<int, string> row) =>
        folder.Write("data/table.csv", "image,label,split,mask\n" + string.Concat(Enumerable.Range(0, 8).Select(row)));

    /// <summary>Changes a pixel at its end, and neither size nor time.</summary>
    private void Flip(string name)
    {
        var (path, time) = (folder.File(name), File.GetLastWriteTimeUtc(folder.File(name)));
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        File.SetLastWriteTimeUtc(path, time);
    }

    private void Refused(string difference)
    {
        var before = Directory.GetFiles(folder.File("run")).ToDictionary(file => file, File.ReadAllBytes);

        CommandLine.Run("train", "--resume", folder.File("run"), "--epochs", "2")
            .IsRefused($"The images are not those that the run has learned from: {difference}; bring them back, or start a new run.");

        Assert.Equal(before.Keys.Order(), Directory.GetFiles(folder.File("run")).Order());
        Assert.All(
            before.Where(file => !file.Key.Contains(".lock", StringComparison.Ordinal)),
            file => Assert.Equal(file.Value, File.ReadAllBytes(file.Key)));
    }
}
