using System.Globalization;
using StreamingCnn.Imaging;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Training.Data;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Runs;
using StreamingCnn.Training.Tasks;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

/// <summary><c>scnn features</c> against the trunk and the head on whole images.</summary>
public sealed class FeaturesTests : IDisposable
{
    private const int Height = 150;
    private const int Width = 190;

    private readonly TemporaryFolder folder = new();

    public FeaturesTests()
    {
        for (var i = 0; i < 2; i++)
        {
            var offset = i;
            TaggedTiff.Of(
                Height, Width, 3, (y, x, band) => (byte)((((y / 9) + (x / 11)) % 3 * 60) + (band * 20) + (offset * 15) + (y * x % 7)))
                .Doubles(33550, 2, 2, 0).Doubles(33922, 0, 0, 0, 1000, 9000, 0)
                .Shorts(34735, 1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32631).WriteTo(folder.File($"{i}.tif"));
        }
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(HeadPooling.Average)]
    [InlineData(HeadPooling.Attention)]
    public void Maps_and_vectors_are_those_of_the_whole_image(HeadPooling pooling)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Save(new ClassificationTask(["a", "b"]), pooling, null);
        var maps = Features("--tile", "48");
        Assert.Equal("", maps.Errors);
        Assert.Contains("Features of 2 of 2 images", maps.Output, StringComparison.Ordinal);
        Assert.Equal("", Features("--tile", "48", "--pooled").Errors);
        Assert.Equal(
            ["0.features.csv", "0.features.npy", "1.features.csv", "1.features.npy", "features.csv", "features.npy"],
            Directory.GetFiles(folder.File("out")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(
            ["row,image", $"0,{folder.File("0.tif")}", $"1,{folder.File("1.tif")}"], File.ReadAllLines(folder.File("out/features.csv")));

        var (model, description) = ModelDescription.Load(folder.File("model.safetensors"));
        using (model)
        {
            model.eval();
            var vectors = Array("features.npy");
            for (var i = 0; i < 2; i++)
            {
                using var source = description.Preparation.Open(folder.File($"{i}.tif"));
                var expected = model.Features.forward(source)[0].permute(1, 2, 0);
                var found = Array($"{i}.features.npy");
                Assert.Equal(expected.shape, found.shape);
                Assert.True(found.allclose(expected, 1e-4, 1e-5));
                if (pooling == HeadPooling.Average)
                    Assert.True(vectors[i].allclose(expected.mean([0, 1]), 1e-4, 1e-5));
                // What is linear behind it gives the scores.
                Assert.True(model.Head.Classifier.call(vectors[i].unsqueeze(0)).allclose(model.forward(source), 1e-4, 1e-5));
            }
        }
    }

    [Fact]
    public void Positions_have_coordinates_at_any_resolution()
    {
        Save(new ClassificationTask(["a", "b"]), HeadPooling.Average, 1.5);
        Assert.Equal("", Features("--tile", "64").Errors);
        var shape = Array("0.features.npy").shape;
        var lines = File.ReadAllLines(folder.File("out/0.features.csv"));
        Assert.Equal("row,column,x,y,map x,map y", lines[0]);
        Assert.Equal(shape[0] * shape[1], lines.Length - 1);
        foreach (var (i, line) in lines[1..].Index())
        {
            var fields = line.Split(',').Select(field => double.Parse(field, CultureInfo.InvariantCulture)).ToArray();
            var (row, column) = (i / shape[1], i % shape[1]);
            Assert.Equal([row, column], fields[..2]);
            Assert.Equal((column + 0.5) * Width / shape[1], fields[2], 1e-3);
            Assert.Equal((row + 0.5) * Height / shape[0], fields[3], 1e-3);
            Assert.Equal(1000 + (2 * (column + 0.5) * Width / shape[1]), fields[4], 1e-6);
            Assert.Equal(9000 - (2 * (row + 0.5) * Height / shape[0]), fields[5], 1e-6);
        }
    }

    [Fact]
    public void An_image_that_cannot_be_read_is_passed_over_and_leaves_nothing()
    {
        Save(new ClassificationTask(["a", "b"]), HeadPooling.Average, null);
        folder.Write("2.tif", "no image");
        var run = CommandLine.Run(
            "features", folder.File("model.safetensors"), folder.File("2.tif"), folder.File("1.tif"), "--pooled", "--tile", "64", "-o", folder.File("out"));
        Assert.Equal(Program.Negative, run.ExitCode);
        Assert.Contains($"error: Image '{folder.File("2.tif")}' has no features: ", run.Errors, StringComparison.Ordinal);
        Assert.Equal(["row,image", $"0,{folder.File("1.tif")}"], File.ReadAllLines(folder.File("out/features.csv")));
        Assert.Equal(1, Array("features.npy").shape[0]);
        var none = CommandLine.Run(
            "features", folder.File("model.safetensors"), folder.File("2.tif"), "--tile", "64", "-o", folder.File("none"));
        Assert.Equal(Program.Failure, none.ExitCode);
        Assert.Empty(Directory.GetFiles(folder.File("none")));
    }

    private CommandLine Features(params string[] options) => CommandLine.Run(
        ["features", folder.File("model.safetensors"), folder.File("0.tif"), folder.File("1.tif"), "-o", folder.File("out"), .. options]);

    /// <summary>An array of float32 as NumPy writes it.</summary>
    private Tensor Array(string name)
    {
        var bytes = File.ReadAllBytes(folder.File($"out/{name}"));
        var header = System.Text.Encoding.ASCII.GetString(bytes, 10, 118);
        Assert.StartsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (", header, StringComparison.Ordinal);
        long[] shape =
        [
            .. header.Split('(')[1].Split(')')[0].Split(',', StringSplitOptions.RemoveEmptyEntries)
                .Select(length => long.Parse(length, CultureInfo.InvariantCulture)),
        ];
        Assert.Equal(128 + (4 * shape.Aggregate((a, b) => a * b)), bytes.Length);
        var numbers = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes.AsSpan(128)).ToArray();
        return tensor(numbers, shape);
    }

    private void Save(LearningTask task, HeadPooling pooling, double? downsample)
    {
        manual_seed(5);
        var description = new ModelDescription
        {
            Trunk = "small",
            Task = task,
            Pooling = pooling,
            Preparation = new ImagePreparation { Channels = 3, Downsample = downsample },
        };
        using var model = description.CreateModel();
        WeightFile.Save(model, folder.File("model.safetensors"), description.ToMetadata());
    }
}
