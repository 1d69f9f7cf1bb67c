using System.Globalization;
using NetVips;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Cli.Tests;

/// <summary>Maps of slides of which most is glass: learned, judged and predicted where there is tissue.</summary>
public sealed class ForegroundMapTests : IDisposable
{
    private const int Side = 160;
    private const int Tissue = 60;

    private readonly TemporaryFolder folder = new();

    public ForegroundMapTests()
    {
        for (var i = 0; i < 6; i++)
            WritePair(i);
        folder.Write("pairs.csv", "image,mask,split\n" + string.Concat(
            Enumerable.Range(0, 6).Select(i => $"{i}.png,{i}.tif,{(i < 4 ? "train" : i < 5 ? "val" : "test")}\n")));
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Tissue_alone_is_learned_judged_and_predicted()
    {
        var dry = Train("--foreground", "otsu", "--dry-run");
        Assert.Equal("", dry.Errors);
        Assert.Contains("of all pixels are foreground, which alone count.", dry.Output, StringComparison.Ordinal);
        Assert.Contains("asked for", dry.Output, StringComparison.Ordinal);

        var run = Train("--foreground", "otsu", "-o", folder.File("run"), "--epochs", "3", "--rate", "0.02", "--augment", "mirror");

        Assert.Equal("", run.Errors);
        var metadata = Safetensors.ReadMetadata(folder.File("run/best.safetensors"));
        Assert.Equal(("Otsu", "true"), (metadata["foreground"], metadata["foreground-uncropped"]));
        // Of all glass the mask says "ground", which nobody was asked.
        var judged = File.ReadLines(folder.File("run/test.csv")).ElementAt(1).Split(',');
        var header = File.ReadLines(folder.File("run/test.csv")).First().Split(',');
        var pixels = long.Parse(judged[Array.IndexOf(header, "pixels")], CultureInfo.InvariantCulture);
        Assert.Equal(Tissue * Tissue, pixels);

        Assert.Equal("", CommandLine.Run("evaluate", folder.File("run"), folder.File("pairs.csv"), "--resamples", "20").Errors);

        var predicted = CommandLine.Run("predict", folder.File("run"), folder.File("5.png"), "-o", folder.File("maps"));
        Assert.Equal("", predicted.Errors);
        using var map = Image.NewFromFile(folder.File("maps/5.classes.tif"));
        Assert.Equal((Side, Side), (map.Height, map.Width));
        // A table of colours, as libvips gives it: glass is without data.
        var colours = map.WriteToMemory<byte>().Chunk(map.Bands).Select(Convert.ToHexString).ToArray();
        Assert.Equal(colours[0], colours[^1]);
        Assert.Equal(Tissue * Tissue, colours.Count(colour => colour != colours[0]));
        var (y, x) = Corner(5);
        Assert.NotEqual(colours[0], colours[(y * Side) + x]);
        Assert.Equal(colours[0], colours[((y - 1) * Side) + x]);
    }

    [Fact]
    public void A_mask_of_the_foreground_is_refused_by_name()
    {
        var refused = Train("--foreground", "mask", "-o", folder.File("run"));

        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("--foreground mask takes the column mask", refused.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("run")));
    }

    private CommandLine Train(params string[] more) => CommandLine.Run(
    [
        "train", folder.File("pairs.csv"), "--task", "segmentation", "--classes", "ground=0,spot=1", "--model", "sparse",
        "--tile", "32", "--batch", "2", .. more,
    ]);

    private static (int Y, int X) Corner(int number) => (20 + (number * 7), 70 - (number * 6));

    /// <summary>Glass, on it a square of tissue, in it a dark spot.</summary>
    private void WritePair(int number)
    {
        var (top, left) = Corner(number);
        var (pixels, mask) = (new byte[3 * Side * Side], new byte[Side * Side]);
        for (var i = 0; i < Side * Side; i++)
        {
            var (y, x) = ((i / Side) - top, (i % Side) - left);
            var isTissue = y is >= 0 and < Tissue && x is >= 0 and < Tissue;
            var isSpot = isTissue && ((y - 30) * (y - 30)) + ((x - 25) * (x - 25)) < 15 * 15;
            byte[] colour = isSpot ? [110, 30, 130] : isTissue ? [225, 120, 170] : [243, 242, 244];
            colour.CopyTo(pixels, 3 * i);
            mask[i] = isSpot ? (byte)1 : (byte)0;
        }

        using var image = Image.NewFromMemory(pixels, Side, Side, 3, Enums.BandFormat.Uchar).Copy(
            interpretation: Enums.Interpretation.Srgb);
        image.Pngsave(folder.File($"{number}.png"));
        using var classes = Image.NewFromMemory(mask, Side, Side, 1, Enums.BandFormat.Uchar);
        classes.Tiffsave(folder.File($"{number}.tif"));
    }
}
