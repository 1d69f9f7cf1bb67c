using StreamingCnn.Imaging.Tests.Augmentation;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Layouts;

/// <summary>
/// Sound files in layouts that other programs write are read, or named with what converts them; "damaged" is said of damage alone.
/// </summary>
public sealed class UnusualLayoutTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Bands_in_strips_one_after_the_other_are_those_of_the_pixels_side_by_side()
    {
        using var scope = NewDisposeScope();
        using var planar = ImageSource.Open(Case("planar-strips-wrong-pixels", "planar.tif"));
        using var pixel = ImageSource.Open(Case("planar-strips-wrong-pixels", "pixel.tif"));
        Assert.True(Windows.Same(planar.Read(3, 5, 77, 101), pixel.Read(3, 5, 77, 101)));
        Windows.AssertIndependent(planar, samples: 8);
    }

    [Theory]
    [InlineData("planar-tiled-called-damaged", "planar_tiled.tif", 3)]
    [InlineData("sparse-tiles-called-damaged", "sparse.tif", 3)]
    [InlineData("jpeg-tiles-2-or-4-bands-called-damaged", "la_jpeg.tif", 2)]
    [InlineData("jpeg-tiles-2-or-4-bands-called-damaged", "rgba_jpeg.tif", 4)]
    [InlineData("odd-tile-size-called-damaged", "tile_100x100.tif", 3)]
    public void A_sound_file_is_read(string folder, string name, int bands)
    {
        var path = Case(folder, name);
        ImageCheck.Read(path, everyPixel: true);
        using var source = ImageSource.Open(path, new ImageOptions { Alpha = AlphaHandling.Keep });
        Assert.Equal(bands, source.Channels);
        Windows.AssertIndependent(source, samples: 8);
    }

    [Theory]
    [InlineData(null, 0)]
    [InlineData("200", 200)]
    [InlineData("nan", 0)]
    public void Tiles_that_are_not_stored_hold_the_value_for_nothing_or_zero(string? noData, int expected)
    {
        using var scope = NewDisposeScope();
        var layout = new TiffLayoutCase { Height = 40, Width = 40, BlockHeight = 16, TileWidth = 16, MissingEvery = 2, NoData = noData };
        var path = Write(layout, (y, x, _) => 100);
        using var source = ImageSource.Open(path, new ImageOptions { NoData = NoDataHandling.Keep });
        var window = source.Read(0, 0, 40, 40);
        Assert.Contains(
            "4 of 9 tiles are not stored: they are read as the declared value for no data, or 0 where there is none",
            ImageReading.Of(path).Remarks.Select(remark => remark.Text));
        Assert.Equal((100, expected), (window[0, 0, 2, 2].ToByte(), window[0, 0, 3, 20].ToByte()));
    }

    [Fact]
    public void Of_a_slide_they_are_white()
    {
        using var scope = NewDisposeScope();
        var layout = new TiffLayoutCase
        {
            Height = 40,
            Width = 40,
            Bands = 3,
            BlockHeight = 16,
            TileWidth = 16,
            MissingEvery = 2,
            Photometric = 2,
            Description = "Aperio Image Library v11",
        };
        using var source = ImageSource.Open(Write(layout, (y, x, _) => 100));
        Assert.Equal((100, 255), (source.Read(2, 2, 1, 1)[0, 0, 0, 0].ToByte(), source.Read(3, 20, 1, 1)[0, 1, 0, 0].ToByte()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_largest_of_twelve_bits_is_white(bool planar)
    {
        using var scope = NewDisposeScope();
        var layout = new TiffLayoutCase { Height = 9, Width = 11, Bands = 3, Bits = 12, BlockHeight = 4, Photometric = 2, Planar = planar };
        using var source = ImageSource.Open(Write(layout, (y, x, band) => x == 5 ? 4095 : 819));
        Assert.Equal((255f, 51f), (source.Read(3, 5, 1, 1)[0, 2, 0, 0].ToSingle(), source.Read(3, 6, 1, 1)[0, 0, 0, 0].ToSingle()));
    }

    [Theory]
    [InlineData(2, false)]
    [InlineData(4, true)]
    public void Alpha_in_any_layout_is_flattened_over_white(int bands, bool planar)
    {
        using var scope = NewDisposeScope();
        var layout = new TiffLayoutCase
        {
            Height = 9,
            Width = 11,
            Bands = bands,
            BlockHeight = 3,
            TileWidth = 13,
            Photometric = bands == 4 ? 2 : 1,
            Planar = planar,
            ExtraSamples = [2],
        };
        using var source = ImageSource.Open(Write(layout, (y, x, band) => band == bands - 1 ? (x == 0 ? 0 : x == 1 ? 255 : 51) : 100));
        var window = source.Read(2, 0, 3, 3);
        Assert.Equal((bands - 1, 255, 100), (source.Channels, window[0, 0, 1, 0].ToByte(), window[0, 0, 1, 1].ToByte()));
        Assert.InRange((int)window[0, 0, 1, 2].ToByte(), 223, 225);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void A_palette_is_looked_up_in_any_layout(int bits)
    {
        using var scope = NewDisposeScope();
        var size = 1 << bits;
        var layout = new TiffLayoutCase
        {
            Height = 20,
            Width = 30,
            Bits = bits,
            BlockHeight = 10,
            TileWidth = 14,
            Photometric = 3,
            Palette = [.. Enumerable.Range(0, 3 * size).Select(i => i * 37 % 256 * 257)],
        };
        using var source = ImageSource.Open(Write(layout, (y, x, _) => (x + y) % size));
        var window = source.Read(1, 2, 15, 20);
        for (var i = 0; i < 15; i++)
        {
            var index = ((i + 3) + (i + 1)) % size;
            Assert.Equal((byte)(((2 * size) + index) * 37 % 256), window[0, 2, i, i + 1].ToByte());
        }
    }

    /// <summary>Luma and chroma, one pair of chroma for so many pixels across and down.</summary>
    [Theory]
    [InlineData(1, 1, null)]
    [InlineData(2, 1, null)]
    [InlineData(2, 2, 16)]
    [InlineData(4, 2, 32)]
    public void Luma_and_chroma_become_three_colours(int across, int down, int? tileWidth)
    {
        using var scope = NewDisposeScope();
        var layout = new TiffLayoutCase
        {
            Height = 29,
            Width = 37,
            Bands = 3,
            BlockHeight = 16,
            TileWidth = tileWidth,
            Photometric = 6,
            Chroma = (across, down),
            Compression = 8,
        };
        // Of the colour of a pixel: chroma is that of the first pixel of its group.
        static (double Red, double Green, double Blue) Colour(int y, int x) => (40 + (y * 3), 60 + (x * 2), 200 - (y * 2) - x);
        static double Luma((double Red, double Green, double Blue) c) => (0.299 * c.Red) + (0.587 * c.Green) + (0.114 * c.Blue);
        double Code(int y, int x, int band)
        {
            var colour = Colour(y, x);
            var luma = Luma(colour);
            var (blue, red) = (((colour.Blue - luma) / 1.772) + 128, ((colour.Red - luma) / 1.402) + 128);
            return Math.Round(band switch { 0 => luma, 1 => blue, _ => red });
        }

        using var source = ImageSource.Open(Write(layout, Code));
        Assert.Equal(3, source.Channels);
        var window = source.Read(1, 3, 28, 34);
        foreach (var (y, x) in ((int, int)[])[(4, 8), (16, 16), (20, 32), (28, 36)])
        {
            // At the first pixel of a group all three are its own.
            var (top, left) = (y / down * down, x / across * across);
            var (red, green, blue) = Colour(top, left);
            Assert.InRange(window[0, 0, top - 1, left - 3].ToByte() - red, -2, 2);
            Assert.InRange(window[0, 1, top - 1, left - 3].ToByte() - green, -2, 2);
            Assert.InRange(window[0, 2, top - 1, left - 3].ToByte() - blue, -2, 2);
        }

        Windows.AssertIndependent(source, samples: 5);
    }

    [Theory]
    [InlineData(34712, 8, 1, "JPEG 2000")]
    [InlineData(50000, 8, 1, "Zstandard")]
    [InlineData(34887, 8, 1, "compression 34887")]
    [InlineData(34892, 8, 1, "compression 34892")]
    [InlineData(1, 64, 6, "samples of 64 bits and of kind 6")]
    [InlineData(1, 32, 5, "samples of 32 bits and of kind 5")]
    [InlineData(1, 20, 1, "samples of 20 bits")]
    public void What_is_not_read_is_named_and_not_called_damaged(int compression, int bits, int format, string what)
    {
        var layout = new TiffLayoutCase { Height = 20, Width = 20, BlockHeight = 10, TileWidth = 14, Bits = bits, SampleFormat = format };
        var path = Write(layout with { Compression = compression }, (y, x, _) => 1);
        Assert.Contains(what, Refusal(path), StringComparison.Ordinal);
    }

    /// <summary>So it is in the layouts that are libvips' own.</summary>
    [Theory]
    [InlineData(34712, null)]
    [InlineData(34712, 16)]
    [InlineData(50000, null)]
    [InlineData(50000, 16)]
    [InlineData(34925, 16)]
    [InlineData(34887, 16)]
    [InlineData(50002, 16)]
    [InlineData(50002, null)]
    public void Nor_are_usual_layouts_in_unread_compressions(int compression, int? tileWidth)
    {
        var layout = new TiffLayoutCase { Height = 20, Width = 20, BlockHeight = 16, TileWidth = tileWidth, Compression = compression };
        Refusal(Write(layout, (y, x, _) => 1));
    }

    private static string Refusal(string path)
    {
        var error = Assert.Throws<ImageFormatException>(() => ImageCheck.Read(path, everyPixel: true));
        Assert.DoesNotContain("damaged", error.Message, StringComparison.Ordinal);
        Assert.Contains("convert", error.Message, StringComparison.Ordinal);
        return error.Message;
    }

    /// <summary>A film and a picture of libvips' unread kinds are sound, and are not called damaged.</summary>
    [Theory]
    [InlineData("DICM", "DICOM", "OpenSlide 4")]
    [InlineData("\u00ff\u000a\0\0", "JPEG XL", "djxl")]
    [InlineData("\0\0\0\u0018ftypisom\0\0\0\0isommp42", "stored like this", "convert")]
    public void A_file_of_another_known_format_is_named_with_what_helps(string head, string what, string help)
    {
        var path = Path.Combine(folder.Path, "other");
        File.WriteAllBytes(path, [.. head == "DICM" ? new byte[128] : [], .. head.Select(letter => (byte)letter), .. new byte[300]]);
        var error = Assert.Throws<ImageFormatException>(() => ImageSource.Open(path));
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
        Assert.Contains(help, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("damaged or", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(5, false)]
    [InlineData(8, true)]
    [InlineData(32773, true)]
    public void A_block_that_does_not_unpack_is_damage_and_not_pixels(int compression, bool planar)
    {
        var layout = new TiffLayoutCase { Height = 64, Width = 64, Bands = 2, BlockHeight = 20, TileWidth = 22 };
        var path = Write(layout with { Compression = compression, Planar = planar }, (y, x, band) => ((x * 7) + (y * 3) + band) % 256);
        var bytes = File.ReadAllBytes(path);
        var image = TiffFile.Read(path).Directories[0];
        // Nothing at all, or no codes, as the codec has it.
        bytes.AsSpan((int)image.BlockOffsets[3], (int)image.BlockLengths[3]).Fill(compression == 32773 ? (byte)128 : (byte)0xff);
        File.WriteAllBytes(path, bytes);
        using var source = ImageSource.Open(path);
        var error = Assert.Throws<ImageFormatException>(() => source.Read(0, 0, 64, 64).Dispose());
        Assert.Contains("damaged: tile 3", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A check decodes strips that are only decoded when they are read.</summary>
    [Fact]
    public void A_check_finds_a_damaged_strip()
    {
        var layout = new TiffLayoutCase { Height = 64, Width = 64, Bands = 2, BlockHeight = 20, Compression = 8, Planar = true };
        var path = Write(layout, (y, x, band) => ((x * 7) + (y * 3) + band) % 256);
        var bytes = File.ReadAllBytes(path);
        bytes.AsSpan((int)TiffFile.Read(path).Directories[0].BlockOffsets[^1], 60).Fill(0xff);
        File.WriteAllBytes(path, bytes);
        var error = Assert.Throws<ImageFormatException>(() => ImageCheck.Read(path));
        Assert.Contains("damaged: strip 7", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Threads_read_windows_at_once()
    {
        using var scope = NewDisposeScope();
        var layout = new TiffLayoutCase { Height = 200, Width = 210, Bands = 3, BlockHeight = 32, TileWidth = 48, Bits = 16 };
        using var source = ImageSource.Open(Write(layout with { Compression = 5, Planar = true }, (y, x, band) => (y * 300) + x + band));
        var whole = source.Read(0, 0, 200, 210);
        Parallel.For(0, 60, new ParallelOptions { MaxDegreeOfParallelism = 4 }, i =>
        {
            using var inner = NewDisposeScope();
            var (top, left) = (i * 37 % 150, i * 53 % 160);
            Assert.True(Windows.Same(source.Read(top, left, 50, 50), whole.narrow(2, top, 50).narrow(3, left, 50)));
        });
    }

    /// <summary>A stripped file with a tag of somebody's own, which makes libtiff warn, is as sound as any.</summary>
    [Fact]
    public void Tags_that_are_unknown_do_not_make_a_file_damaged()
    {
        using var scope = NewDisposeScope();
        var layout = new TiffLayoutCase { Height = 30, Width = 20, Bands = 5, BlockHeight = 7, PrivateTag = 65001 };
        using var source = ImageSource.Open(Write(layout, (y, x, band) => x + y + band));
        Assert.Equal(21, source.Read(9, 8, 2, 2)[0, 3, 1, 0].ToByte());
    }

    private string Write(TiffLayoutCase layout, Func<int, int, int, double> sample)
    {
        var path = Path.Combine(folder.Path, "layout.tif");
        TiffWriter.Write(path, layout, sample);
        return path;
    }

    private static string Case(string folder, string name) => Path.Combine(SharedFiles.Folder("cases"), folder, name);
}
