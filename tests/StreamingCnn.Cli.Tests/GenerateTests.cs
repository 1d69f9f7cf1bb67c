using System.Buffers.Binary;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests;

public sealed class GenerateTests : IDisposable
{
    private const int Side = 192;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Training_images_hold_training_digits_alone_and_test_images_test_digits()
    {
        // The digits of each of the two sets are of a brightness of their own.
        WriteDigits("train", 100);
        WriteDigits("t10k", 200);
        var set = folder.File("set");
        var run = CommandLine.Run(
            "generate",
            "megapixel-mnist",
            "-o",
            set,
            "--mnist",
            folder.Path,
            "--train",
            "3",
            "--test",
            "2",
            "--noise",
            "0",
            "--side",
            $"{Side}");
        Assert.Equal((Program.Success, ""), (run.ExitCode, run.Errors));
        Assert.Contains($"5 images of {Side} x {Side} px in {set}: 3 train, 2 test.", run.Output, StringComparison.Ordinal);
        var data = ImageDataSet.FromCsv(Path.Combine(set, "labels.csv"));
        Assert.Equal((3, 2), (data.Part("train").Items.Count, data.Part("test").Items.Count));
        foreach (var (part, brightness) in new[] { ("train", 100), ("test", 200) })
        {
            Assert.All(data.Part(part).Items, item =>
            {
                using var scope = NewDisposeScope();
                using var image = ImageSource.Open(item.Path);
                var pixels = image.Read(0, 0, Side, Side);
                Assert.Equal(5 * 28 * 28, pixels.eq(brightness).sum().item<long>());
                Assert.Equal(5 * 28 * 28, pixels.ne(0).sum().item<long>());
            });
        }
    }

    /// <summary>One picture of each digit, all of it ink.</summary>
    private void WriteDigits(string set, byte ink)
    {
        var images = new byte[16 + (10 * 28 * 28)];
        images.AsSpan(16).Fill(ink);
        BinaryPrimitives.WriteInt32BigEndian(images, 2051);
        BinaryPrimitives.WriteInt32BigEndian(images.AsSpan(4), 10);
        File.WriteAllBytes(folder.File($"{set}-images-idx3-ubyte"), images);
        var labels = new byte[8 + 10];
        BinaryPrimitives.WriteInt32BigEndian(labels, 2049);
        for (var digit = 0; digit < 10; digit++)
            labels[8 + digit] = (byte)digit;
        File.WriteAllBytes(folder.File($"{set}-labels-idx1-ubyte"), labels);
    }
}
