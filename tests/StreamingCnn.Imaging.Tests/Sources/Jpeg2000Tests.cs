using System.Buffers.Binary;
using StreamingCnn.Imaging.Masks;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Sources;

/// <summary>JPEG 2000 through GDAL: the pixels, levels and places of what GDAL's own program wrote without loss.</summary>
public sealed class Jpeg2000Tests : IDisposable
{
    private const int Height = 301;
    private const int Width = 417;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string, string, string[]> Files => new()
    {
        { "bytes1", "a.jp2", [] },
        { "bytes1", "a.jpx", ["-co", "JPX=YES"] },
        { "bytes3", "a.j2k", ["-co", "CODEC=J2K", "-co", "BLOCKXSIZE=64", "-co", "BLOCKYSIZE=96"] },
        { "bytes3", "a.jp2", ["-co", "YCC=NO", "-co", "BLOCKXSIZE=128", "-co", "BLOCKYSIZE=128", "-co", "RESOLUTIONS=3"] },
        { "bytes4", "a.jp2", ["-co", "GEOBOXES_AFTER_JP2C=YES"] },
        { "words1", "a.jp2", ["-co", "BLOCKXSIZE=100", "-co", "BLOCKYSIZE=50"] },
        { "words3", "a.jp2", ["-co", "TILEPARTS=RESOLUTIONS", "-co", "PROGRESSION=RPCL"] },
        { "words5", "a.jp2", ["-co", "BLOCKXSIZE=64", "-co", "BLOCKYSIZE=64"] },
        { "shorts1", "a.jp2", [] },
        { "shorts2", "a.j2k", ["-co", "CODEC=J2K"] },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void Pixels_are_those_that_were_compressed(string kind, string name, string[] options)
    {
        var stored = Write(kind);
        var path = GdalTools.ToJpeg2000(stored, folder.File(name), options);
        using var scope = NewDisposeScope();
        foreach (var raw in (bool[])[false, true])
        {
            var reading = new ImageOptions { RawValues = raw, Alpha = AlphaHandling.Keep };
            using var expected = ImageSource.Open(stored, reading);
            using var actual = ImageSource.Open(path, reading);
            Assert.True(Windows.Same(expected.Read(0, 0, Height, Width), actual.Read(0, 0, Height, Width)));
            Windows.AssertIndependent(actual);
        }

        var (tiff, info) = (ImageInfo.Read(stored), ImageInfo.Read(path));
        Assert.Equal(
            (tiff.Height, tiff.Width, tiff.Bands, tiff.SampleType, tiff.StoredPerWindow, 1, "JPEG 2000"),
            (info.Height, info.Width, info.Bands, info.SampleType, info.StoredPerWindow, info.Pages, info.Format));
        Assert.NotNull(info.Tile);
        ImageCheck.Read(path, everyPixel: true);
    }

    [Fact]
    public void Alpha_is_flattened_kept_or_dropped_as_of_a_TIFF()
    {
        var stored = Write("bytes4");
        var path = GdalTools.ToJpeg2000(stored, folder.File("a.jp2"), "-co", "ALPHA=YES");
        using var scope = NewDisposeScope();
        foreach (var handling in Enum.GetValues<AlphaHandling>())
            Same(stored, path, new() { Alpha = handling });
        Same(stored, path, new() { Channels = 1 });
        Same(stored, path, new() { Bands = BandChoice.Parse("3,1") });
        Assert.Contains(ImageReading.Of(path).Remarks, remark => remark.Aspect == ImageAspect.Alpha && remark.IsDoubtful);
        Assert.Equal(["Red", "Green", "Blue", "Alpha"], ImageInfo.Read(path).BandNames);
        Same(stored, path, new() { Bands = BandChoice.Parse("4") }, new() { Bands = BandChoice.Parse("alpha") });
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(12)]
    [InlineData(15)]
    public void Fewer_bits_are_spread_as_those_of_a_TIFF(int bits)
    {
        // Sentinel-2 has 15.
        var stored = folder.File("bits.tif");
        var largest = (1 << bits) - 1;
        if (bits < 8)
            TaggedTiff.Of(Height, Width, 1, (y, x, _) => (byte)(((y * 7) + (x * 3)) & largest)).WriteTo(stored);
        else
            TaggedTiff.Of(Height, Width, 1, (y, x, _) => (ushort)(((y * 77) + (x * 31)) & largest)).WriteTo(stored);
        var path = GdalTools.ToJpeg2000(stored, folder.File("a.jp2"), "-co", $"NBITS={bits}");
        using var scope = NewDisposeScope();
        using var raw = ImageSource.Open(stored, new ImageOptions { RawValues = true });
        using var window = ImageSource.Open(path);
        var values = raw.Read(0, 0, Height, Width).to(ScalarType.Float64);
        var expected = bits < 8 ? (values * 255 / largest).round() : values / (largest / 255.0);
        var difference = (window.Read(0, 0, Height, Width).to(ScalarType.Float64) - expected).abs().max().item<double>();
        Assert.InRange(difference, 0, bits < 8 ? 0.5 : 1e-4);
        Assert.Equal(Math.Max(8, bits), ImageInfo.Read(path).Bits);

        // A mask has what is stored.
        using var mask = MaskFile.Open(path);
        Assert.Equal(0, (mask.Read(0, 0, Height, Width).to(ScalarType.Float64) - values).abs().max().item<double>());
    }

    [Fact]
    public void Places_in_a_table_of_colours_become_its_colours()
    {
        var stored = folder.File("palette.tif");
        var random = new Random(1);
        TaggedTiff.Of(Height, Width, 1, (y, x, _) => (byte)(((y / 9) + (x / 5)) & 255)).Shorts(262, 3)
            .Shorts(320, [.. Enumerable.Range(0, 768).Select(_ => (ushort)(random.Next(256) * 257))]).WriteTo(stored);
        var path = GdalTools.ToJpeg2000(stored, folder.File("a.jp2"));
        using var scope = NewDisposeScope();
        Same(stored, path, new());
        Assert.Contains("table of colours", Assert.Throws<ImageFormatException>(() => MaskFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mask_with_loss_is_refused()
    {
        var stored = Write("bytes1");
        var path = GdalTools.Translate(stored, folder.File("a.jp2"), "-of", "JP2OpenJPEG", "-co", "QUALITY=20");
        Assert.Contains("with loss", Assert.Throws<ImageFormatException>(() => MaskFile.Open(path)).Message, StringComparison.Ordinal);
        using var image = ImageSource.Open(path);
        Assert.Equal(Height, image.Height);
    }

    [Theory]
    [InlineData("bytes3", 64)]
    [InlineData("words1", 160)]
    public void Levels_are_the_resolutions_that_were_compressed(string kind, int tile)
    {
        var path = GdalTools.ToJpeg2000(
            Write(kind), folder.File("a.jp2"), "-co", "RESOLUTIONS=4", "-co", $"BLOCKXSIZE={tile}", "-co", $"BLOCKYSIZE={tile}");
        using var scope = NewDisposeScope();
        var info = ImageInfo.Read(path);
        Assert.InRange(info.Levels.Count, 2, 4);
        for (var level = 1; level < info.Levels.Count; level++)
        {
            Assert.Equal(
                ((Height + (1 << level) - 1) >> level, 1 << level), ((int)info.Levels[level].Height, (int)info.Levels[level].Downsample));
            // GDAL's program writes the level as a TIFF.
            var tiff = GdalTools.Translate(path, folder.File($"{level}.tif"), "-oo", $"OVERVIEW_LEVEL={level - 1}");
            Same(tiff, path, new(), new() { Level = level });
            using var source = ImageSource.Open(path, new ImageOptions { Level = level });
            Windows.AssertIndependent(source);
        }

        // The nearest larger level is what is read at a lower resolution.
        using var half = ImageSource.Open(path, new ImageOptions { Downsample = 2 });
        using var first = ImageSource.Open(path, new ImageOptions { Level = 1 });
        Assert.Equal((first.Height, first.Width), (half.Height, half.Width));
        Assert.True(Windows.Same(first.Read(0, 0, first.Height, first.Width), half.Read(0, 0, half.Height, half.Width)));
    }

    [Theory]
    [InlineData("GeoJP2=YES", "GMLJP2=NO")]
    [InlineData("GeoJP2=NO", "GMLJP2=YES")]
    [InlineData("GeoJP2=YES", "GMLJP2=YES")]
    public void The_place_on_the_ground_is_that_of_the_scene(string first, string second)
    {
        var stored = Scene("scene.tif");
        var path = GdalTools.ToJpeg2000(stored, folder.File("a.jp2"), "-co", first, "-co", second);
        var (expected, actual) = (ImageInfo.Read(stored).GeoReference!, ImageInfo.Read(path).GeoReference!);
        Assert.Equal(32633, actual.Epsg);
        foreach (var (x, y) in ((double, double)[])[(0, 0), (Width, 0), (0, Height), (12.5, 99.25)])
        {
            Assert.Equal(expected.ToMap(x, y).X, actual.ToMap(x, y).X, 6);
            Assert.Equal(expected.ToMap(x, y).Y, actual.ToMap(x, y).Y, 6);
        }

        Assert.Contains("20 x 20 units of the map", ImageInfo.Read(path).ResolutionOrigin, StringComparison.Ordinal);
    }

    [Fact]
    public void Points_on_the_ground_are_passed_on()
    {
        var path = GdalTools.ToJpeg2000(
            Write("bytes1"), folder.File("a.jp2"), "-a_srs", "EPSG:32633", "-gcp", "0", "0", "500000", "4000000", "-gcp", "400", "0", "504000",
            "4000100", "-gcp", "0", "300", "499900", "3997000", "-gcp", "400", "300", "503000", "3996000");
        var place = ImageInfo.Read(path).GeoReference!;
        Assert.False(place.IsAffine);
        Assert.Equal((32633, 4 * 6), (place.Epsg, place.Tiepoints.Count));
    }

    [Fact]
    public void Only_what_stands_in_the_file_is_read()
    {
        var path = GdalTools.ToJpeg2000(Scene("scene.tif"), folder.File("a.jp2"));
        var alone = ImageInfo.Read(path);
        File.WriteAllText(folder.File("a.j2w"), "1\n0\n0\n-1\n7\n8\n");
        File.WriteAllText(
            folder.File("a.jp2.aux.xml"),
            "<PAMDataset><GeoTransform>1, 2, 0, 3, 0, -2</GeoTransform><PAMRasterBand band=\"1\"><NoDataValue>5</NoDataValue></PAMRasterBand></PAMDataset>");
        var beside = ImageInfo.Read(path);
        Assert.Equal(alone.GeoReference!.ToMap(3, 4), beside.GeoReference!.ToMap(3, 4));
        Assert.Null(beside.NoData);
    }

    /// <summary>Decoders take a shorter stream for one of a poorer quality, and give grey pixels.</summary>
    [Theory]
    [InlineData("a.jp2")]
    [InlineData("a.j2k")]
    public void A_file_that_is_cut_short_is_refused_before_a_pixel_is_decoded(string name)
    {
        var whole = File.ReadAllBytes(GdalTools.ToJpeg2000(Write("bytes3"), folder.File(name), "-co", $"CODEC={Path.GetExtension(name)[1..]}"));
        foreach (var part in (double[])[0.0005, 0.01, 0.1, 0.5, 0.9, 0.99999])
        {
            File.WriteAllBytes(folder.File("cut"), whole[..Math.Max(13, (int)(part * whole.Length))]);
            var error = Assert.Throws<ImageFormatException>(() => ImageInfo.Read(folder.File("cut")));
            Assert.Contains("damaged", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(uint.MaxValue, uint.MaxValue, 64u)]
    [InlineData(1_000_000u, 1_000_000u, 1_000_000u)]
    [InlineData(1_000_000u, 1_000_000u, 100u)]
    [InlineData(0u, 100u, 64u)]
    [InlineData(100u, 100u, 0u)]
    public void A_size_that_is_a_lie_is_refused(uint width, uint height, uint tile)
    {
        var bytes = File.ReadAllBytes(GdalTools.ToJpeg2000(Write("bytes1"), folder.File("a.j2k"), "-co", "CODEC=J2K"));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), width);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(12), height);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(24), tile);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(28), tile);
        File.WriteAllBytes(folder.File("lie.j2k"), bytes);
        var error = Assert.Throws<ImageFormatException>(() => ImageInfo.Read(folder.File("lie.j2k")));
        Assert.Contains($"it claims {width} x {height}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damage_within_a_tile_is_one_sentence()
    {
        var bytes = File.ReadAllBytes(GdalTools.ToJpeg2000(
            Write("bytes3"), folder.File("a.j2k"), "-co", "CODEC=J2K", "-co", "BLOCKXSIZE=64", "-co", "BLOCKYSIZE=64"));
        // The marker that starts the fourth tile.
        var at = 0;
        for (var tile = 0; tile < 4; tile++)
            at += 2 + bytes.AsSpan(at + 2).IndexOf((ReadOnlySpan<byte>)[0xff, 0x90, 0, 10]);
        bytes.AsSpan(at, 12).Fill(0x11);
        File.WriteAllBytes(folder.File("broken.j2k"), bytes);
        var error = Assert.Throws<ImageFormatException>(() => ImageCheck.Read(folder.File("broken.j2k"), everyPixel: true));
        Assert.Contains("damaged", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("\n", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Threads_read_with_a_source_each()
    {
        var path = GdalTools.ToJpeg2000(Write("words3"), folder.File("a.jp2"), "-co", "BLOCKXSIZE=64", "-co", "BLOCKYSIZE=64");
        using var scope = NewDisposeScope();
        using var whole = ImageSource.Open(path);
        var expected = whole.Read(0, 0, Height, Width);
        var same = new bool[8];
        Parallel.For(0, same.Length, new() { MaxDegreeOfParallelism = 4 }, i =>
        {
            using var inner = NewDisposeScope();
            using var source = ImageSource.Open(path);
            same[i] = Windows.Same(expected.narrow(2, i * 30, 80), source.Read(i * 30, 0, 80, Width));
        });
        Assert.DoesNotContain(false, same);
    }

    [Fact]
    public void Where_GDAL_is_not_installed_the_sentence_names_the_packages()
    {
        if (GdalNative.Available)
            Assert.Skip("GDAL is installed here.");
        File.WriteAllBytes(folder.File("a.jp2"), [0, 0, 0, 12, .. "jP  \r\n"u8, 0x87, 10, .. new byte[300]]);
        var error = Assert.Throws<ImageFormatException>(() => GdalHandle.Open(folder.File("a.jp2")));
        foreach (var package in (string[])["gdal-bin", "brew install gdal", "libgdal-jp2openjpeg"])
            Assert.Contains(package, error.Message, StringComparison.Ordinal);
    }

    private static void Same(string stored, string path, ImageOptions options, ImageOptions? ofPath = null)
    {
        using var inner = NewDisposeScope();
        using var expected = ImageSource.Open(stored, options);
        using var actual = ImageSource.Open(path, ofPath ?? options);
        Assert.True(Windows.Same(
            expected.Read(0, 0, expected.Height, expected.Width), actual.Read(0, 0, actual.Height, actual.Width)));
        Assert.Equal(actual.Channels, ImageSource.Channels(path, ofPath ?? options));
    }

    private string Scene(string name) => TaggedTiff.Of(Height, Width, 1, (y, x, _) => (ushort)((y * 7) + x))
        .Doubles(33550, 20, 20, 0).Doubles(33922, 0, 0, 0, 399_960, 5_800_020, 0)
        .Shorts(34735, 1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633).WriteTo(folder.File(name));

    private string Write(string kind)
    {
        var (type, bands) = (kind[..^1], kind[^1] - '0');
        var path = folder.File($"{kind}.tif");
        var random = new Random(7);
        var tiff = type switch
        {
            "bytes" => TaggedTiff.Of(Height, Width, bands, (y, x, band) => (byte)(((y * 3) + (x * band) + random.Next(20)) % 256)),
            "words" => TaggedTiff.Of(
                Height, Width, bands, (y, x, band) => (ushort)(((y * 301) + (x * 77 * band) + random.Next(2000)) % 65536)),
            _ => TaggedTiff.Of(
                Height, Width, bands, (y, x, band) => (short)((((y * 101) + (x * 33 * band) + random.Next(900)) % 60000) - 30000)),
        };
        return (bands > 3 ? tiff.Shorts(338, [.. Enumerable.Repeat((ushort)(bands == 4 && type == "bytes" ? 2 : 0), bands - 3)]) : tiff)
            .WriteTo(path);
    }
}
