using NetVips;
using StreamingCnn.Imaging.Masks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Masks;

/// <summary>Masks have the values that their files store, and files whose values are not those of classes are refused.</summary>
public sealed class MaskFileTests : IDisposable
{
    private static readonly byte[] Stored = [0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("png", 8)]
    [InlineData("png", 1)]
    [InlineData("tif", 8)]
    [InlineData("tif", 1)]
    public void Values_are_those_stored(string ending, int bits)
    {
        var path = folder.File($"mask.{ending}");
        // libvips stores few bits of what is spread over 0..255.
        using (var mask = Grey(bits == 8 ? Stored : [.. Stored.Select(value => (byte)(value * 255))]))
        {
            if (ending == "png")
                mask.Pngsave(path, bitdepth: bits);
            else
                mask.Tiffsave(path, bitdepth: bits);
        }

        Assert.Equal(Stored.Select(value => (float)value), Values(path));
    }

    [Fact]
    public void Values_of_16_bits_and_inverted_ones_are_those_stored()
    {
        var path = folder.File("mask.tif");
        using (var mask = Grey(Stored).Linear([1000], [7]).Cast(Enums.BandFormat.Ushort))
            mask.Tiffsave(path);
        Assert.Equal(Stored.Select(value => (value * 1000f) + 7), Values(path));

        using (var mask = Grey(Stored))
            mask.Tiffsave(path, miniswhite: true);
        using var raw = ImageSource.Open(path);
        using var window = raw.Read(0, 0, raw.Height, raw.Width);
        var shown = Numbers(window);
        // What is stored is 255 less what is shown.
        Assert.Equal(shown.Select(value => 255 - value), Values(path));
    }

    [Fact]
    public void Colours_tables_of_colours_and_losses_are_refused()
    {
        var (colour, table, lossy) = (folder.File("colour.png"), folder.File("table.png"), folder.File("lossy.jpg"));
        using (var grey = Grey(Stored))
        using (var three = grey.Bandjoin(grey, grey).Copy(interpretation: Enums.Interpretation.Srgb))
        {
            three.Pngsave(colour);
            three.Pngsave(table, palette: true);
            grey.Jpegsave(lossy);
        }

        Assert.Equal(
            $"{colour}: this mask has 3 channels, but one is needed, with the number of a class at each pixel; save it as one channel.",
            Refusal(colour));
        Assert.StartsWith(
            $"{table}: this mask has a table of colours, which would be read instead of its values",
            Refusal(table),
            StringComparison.Ordinal);
        Assert.Equal(
            $"{lossy}: this mask is a JPEG, whose compression changes values; save it without loss, as PNG or TIFF.", Refusal(lossy));
    }

    [Fact]
    public void Values_become_classes_or_are_named()
    {
        using var scope = NewDisposeScope();
        var path = folder.File("mask.png");
        using (var mask = Grey([0, 255, 7, 0, 0, 255, 7, 7, 0, 0, 255, 255]))
            mask.Pngsave(path);
        using var classes = new ClassMapSource(MaskFile.Open(path), new([255, 0], [7]), path);
        Assert.Equal([1, 0, -100, 1, 1, 0, -100, -100, 1, 1, 0, 0], classes.Read(0, 0, 3, 4).flatten().data<short>().ToArray());
        Assert.Equal(new Dictionary<long, long> { [0] = 5, [7] = 3, [255] = 4 }, MaskHistogram.Of(path));

        using var unknown = new ClassMapSource(MaskFile.Open(path), new([0, 255]), path);
        Assert.Equal(
            $"{path}: the mask has the value 7 at row 1, column 2, which is no class; its classes are 0, 255.",
            Assert.Throws<ImageFormatException>(() => unknown.Read(1, 1, 2, 3)).Message);
    }

    [Fact]
    public void The_nearest_pixel_is_taken_and_windows_agree()
    {
        using var scope = NewDisposeScope();
        var picture = randint(0, 200, [1, 1, 23, 31], ScalarType.Byte, generator: new Generator(1));
        foreach (var (height, width) in ((long, long)[])[(11, 15), (23, 31), (8, 9), (30, 62)])
        {
            using var source = new NearestSource(new TensorImageSource(picture), height, width);
            var rows = tensor(Enumerable.Range(0, (int)height).Select(row => (long)Math.Floor((row + 0.5) * 23 / height)).ToArray());
            var columns = tensor(Enumerable.Range(0, (int)width).Select(column => (long)Math.Floor((column + 0.5) * 31 / width)).ToArray());
            Assert.True(Windows.Same(picture.index_select(2, rows).index_select(3, columns), source.Read(0, 0, height, width)));
            Windows.AssertIndependent(source, samples: 15);
        }
    }

    private static Image Grey(byte[] values) =>
        Image.NewFromMemory(values, 4, 3, 1, Enums.BandFormat.Uchar).Copy(interpretation: Enums.Interpretation.Bw);

    private static float[] Values(string path)
    {
        using var mask = MaskFile.Open(path);
        using var window = mask.Read(0, 0, mask.Height, mask.Width);
        return Numbers(window);
    }

    private static float[] Numbers(Tensor window)
    {
        using var numbers = window.to(ScalarType.Float32).flatten();
        return numbers.data<float>().ToArray();
    }

    private static string Refusal(string path) => Assert.Throws<ImageFormatException>(() => MaskFile.Open(path)).Message;
}
