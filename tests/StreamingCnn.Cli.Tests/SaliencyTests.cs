using System.Text.Json;
using StreamingCnn.Cli.Demo;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Training;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

public class SaliencyTests
{
    // What the network learns from is smaller than what it is asked about: a ninth of the time, and the needle is as large.
    private const int TrainingSide = 128;
    private const int TrainingCount = 240;

    // The needle's colour, which nothing else in the image has.
    private static readonly byte[] NeedleColour = [235, 90, 90];

    [Fact]
    public void The_needle_is_in_the_hottest_thousandth_of_images_that_are_rightly_called_positive()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        for (var i = 0; i < TrainingCount; i++)
            Write(folder.Write($"images/{(i % 2 == 0 ? "haystack" : "needle")}/{i}.png", ""), i, i % 2 == 1, TrainingSide);
        var training = CommandLine.Run(
            "train", folder.File("images"), "--validation", "0.1", "--epochs", "3", "--tile", "128", "--output", folder.File("run"));
        Assert.Equal("", training.Errors);

        var names = Enumerable.Range(0, 10).Select(i => folder.File($"{i}.png")).ToArray();
        foreach (var (i, name) in names.Index())
            Write(name, 7_000_000 + i, hasNeedle: true, NeedleImage.Side);

        var run = CommandLine.Run(
            [
                "saliency",
                .. names,
                "--weights",
                folder.File("run"),
                "--output",
                folder.File("maps"),
                "--tile",
                "128",
                "--percentile",
                "100"
            ]);
        Assert.Equal("", run.Errors);
        var (right, found) = (0, 0);
        foreach (var name in names)
        {
            if (!run.Output.Contains($"{name}: needle ", StringComparison.Ordinal))
                continue;
            right++;
            using var image = ImageSource.Open(name);
            using var map = ImageSource.Open(folder.File($"maps/{Path.GetFileNameWithoutExtension(name)}.saliency.tif"));
            var needle = image.Read(0, 0, image.Height, image.Width).eq(tensor(NeedleColour, [1, 3, 1, 1])).all(1).flatten();
            var heat = map.Read(0, 0, map.Height, map.Width).flatten();
            var hottest = heat.topk((int)(heat.numel() / 1000)).indexes;
            // The hottest pixel is on the needle, and so is most of the hottest thousandth.
            if (needle[hottest[0]].item<bool>() && needle.index_select(0, hottest).to(ScalarType.Float32).mean().item<float>() > 0.5)
                found++;
        }

        Assert.True(right >= 9, $"{right} of 10 positives are called so.");
        Assert.True(found >= 0.8 * right, $"The needle is in the hottest 0.1 % of {found} of {right}.");
    }

    private static void Write(string path, int seed, bool hasNeedle, int side)
    {
        using var image = new NeedleImage(seed, hasNeedle, side);
        ImageFile.Write(image, path);
    }
}
