using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using NetVips;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Testing;

namespace StreamingCnn.Imaging.Tests.Maps;

/// <summary>Files of maps are what libvips and GDAL read: values, levels, colours, resolution, the place on the ground.</summary>
public sealed class PyramidWriterTests
{
    private static readonly MapClass[] Classes = [new("glass", 0, 0, 0), new("tissue", 213, 94, 0), new("ink", 0, 114, 178)];

    [Theory]
    [InlineData(1, 1)]
    [InlineData(300, 517)]
    [InlineData(1031, 257)]
    public void A_map_of_classes_has_its_colours_and_levels_of_every_second_position(int height, int width)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("classes.tif");
        var map = Map(height, width);
        WriteClasses(path, map, width, new(height, width) { MicrometresAcross = 0.5, MicrometresDown = 0.25 });

        var info = ImageInfo.Read(path);
        Assert.Equal((0.5, 0.25), (info.MicrometresPerPixel, info.MicrometresPerPixelDown));
        for (var (level, step) = (0, 1); ; level++, step *= 2)
        {
            using var image = Image.Tiffload(path, page: level);
            Assert.Equal((width / step, height / step), (image.Width, image.Height));
            Assert.Equal(2000 / (double)step, image.Xres, 0.02 * image.Xres);
            // libvips gives the colours of the table.
            var colours = image.WriteToMemory<byte>();
            for (var y = 0; y < image.Height; y++)
            {
                for (var x = 0; x < image.Width; x++)
                {
                    var expected = Classes[map[(y * step * width) + (x * step)]];
                    var at = ((y * image.Width) + x) * image.Bands;
                    Assert.Equal((expected.Red, expected.Green, expected.Blue), (colours[at], colours[at + 1], colours[at + 2]));
                }
            }

            if (level == (int)image.Get("n-pages") - 1)
            {
                Assert.True(Math.Max(image.Width, image.Height) <= 256);
                return;
            }
        }
    }

    [Theory]
    [InlineData(MapSamples.Byte)]
    [InlineData(MapSamples.Float32)]
    public void Levels_of_numbers_are_means_of_four(MapSamples samples)
    {
        const int Height = 300, Width = 401, Channels = 2;
        using var folder = new TemporaryFolder();
        var path = folder.File("map.tif");
        var random = new Random(1);
        var values = Enumerable.Range(0, Height * Width * Channels).Select(_ => (float)random.Next(256)).ToArray();
        using (var writer = new PyramidWriter(path, new(Height, Width) { Channels = Channels, Samples = samples }))
        {
            writer.Write(
                samples == MapSamples.Byte ? Array.ConvertAll(values, value => (byte)value) : MemoryMarshal.AsBytes(values.AsSpan()));
            writer.Complete();
        }

        var read = Values(0);
        Assert.Equal(values, read);
        var (smaller, columns) = (Values(1), Width / 2);
        for (var i = 0; i < smaller.Length; i++)
        {
            var (y, x, channel) = (i / Channels / columns, i / Channels % columns, i % Channels);
            var sum = Value(2 * y, 2 * x) + Value(2 * y, (2 * x) + 1) + Value((2 * y) + 1, 2 * x) + Value((2 * y) + 1, (2 * x) + 1);
            Assert.Equal(samples == MapSamples.Byte ? MathF.Floor((sum + 2) / 4) : sum / 4, smaller[i]);

            float Value(int row, int column) => values[(((row * Width) + column) * Channels) + channel];
        }

        float[] Values(int page)
        {
            using var image = Image.Tiffload(path, page: page).Cast(Enums.BandFormat.Float);
            return image.WriteToMemory<float>();
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_place_on_the_ground_is_carried_over_to_parts_of_other_resolution(ushort rasterType)
    {
        using var folder = new TemporaryFolder();
        // Turned by a matrix, and by scale and point: the same place either way.
        var scaled = Ground(
            folder.File("scaled.tif"), rasterType, page => page.Doubles(33550, 0.5, 0.25, 0).Doubles(
                33922, 10, 20, 0, 500_000, 4_000_000, 0));
        var matrix = Ground(folder.File("matrix.tif"), rasterType, page => page.Doubles(
            34264, 0.5, 0, 0, 499_995, 0, -0.25, 0, 4_000_005, 0, 0, 0, 0, 0, 0, 0, 1));
        foreach (var image in new[] { scaled, matrix })
        {
            Assert.Equal(32631, image.Epsg);
            var part = image.For(left: 7, top: 3, across: 4, down: 2);
            for (var i = 0; i < 5; i++)
            {
                var (x, y) = (1.75 * i, 2.5 * i);
                var (expected, actual) = (image.ToMap(7 + (4 * x), 3 + (2 * y)), part.ToMap(x, y));
                Assert.Equal(expected.X, actual.X, 9);
                Assert.Equal(expected.Y, actual.Y, 9);
            }
        }

        Assert.Equal(scaled.ToMap(3, 4).X, matrix.ToMap(3, 4).X, 9);
        Assert.Equal(scaled.ToMap(3, 4).Y, matrix.ToMap(3, 4).Y, 9);
        // The upper left corner of the pixel at the point of the ground: half a pixel off it where pixels are points.
        Assert.Equal(500_000 - (rasterType == 2 ? 0.25 : 0), scaled.ToMap(10, 20).X, 9);
    }

    [Fact]
    public void GDAL_reads_colours_resolution_and_the_place_on_the_ground()
    {
        Assert.SkipUnless(Started("gdalinfo", "--version") is not null, "gdalinfo is not installed.");
        using var folder = new TemporaryFolder();
        var photograph = folder.File("photograph.tif");
        var image = Ground(photograph, 1, page => page.Doubles(33550, 0.5, 0.5, 0).Doubles(33922, 0, 0, 0, 500_000, 4_000_000, 0));
        var (whole, half) = (folder.File("whole.tif"), folder.File("half.tif"));
        WriteClasses(whole, Map(64, 64), 64, new(64, 64) { GeoReference = image });
        WriteClasses(half, Map(28, 26), 26, new(28, 26) { GeoReference = image.For(8, 4, 2, 2), MicrometresAcross = 100 });

        using var expected = JsonDocument.Parse(Started("gdalinfo", "-json", photograph)!);
        using var actual = JsonDocument.Parse(Started("gdalinfo", "-json", whole)!);
        using var smaller = JsonDocument.Parse(Started("gdalinfo", "-json", half)!);

        Assert.Equal(Transform(expected), Transform(actual));
        Assert.Equal([500_004, 1, 0, 3_999_998, 0, -1], Transform(smaller));
        foreach (var found in new[] { actual, smaller })
        {
            Assert.Equal(System(expected), System(found));
            var band = found.RootElement.GetProperty("bands")[0];
            Assert.Equal("Byte", band.GetProperty("type").GetString());
            Assert.Equal("Palette", band.GetProperty("colorInterpretation").GetString());
            var entries = band.GetProperty("colorTable").GetProperty("entries");
            Assert.Equal([213, 94, 0], entries[1].EnumerateArray().Take(3).Select(part => part.GetInt32()));
        }

        static double[] Transform(JsonDocument info) =>
            [.. info.RootElement.GetProperty("geoTransform").EnumerateArray().Select(number => number.GetDouble())];

        static string System(JsonDocument info) => info.RootElement.GetProperty("coordinateSystem").GetProperty("wkt").GetString()!;
    }

    [Fact]
    public void Rows_that_do_not_fit_are_refused_and_leave_no_file()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("map.tif");
        using (var writer = new PyramidWriter(path, new(2, 3)))
        {
            writer.Write(new byte[3]);
            Assert.Contains(
                "rows of 3", Assert.Throws<ArgumentException>(() => writer.Write(new byte[4])).Message, StringComparison.Ordinal);
            Assert.Contains(
                "1 rows that are left",
                Assert.Throws<ArgumentException>(() => writer.Write(new byte[6])).Message,
                StringComparison.Ordinal);
            Assert.Contains("1 of 2 rows", Assert.Throws<InvalidOperationException>(writer.Complete).Message, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.GetFiles(folder.Path));
        Assert.Throws<ArgumentException>(() => new PyramidWriter(path, new(2, 3) { Channels = 2, Classes = Classes }));
        Assert.Contains(
            "no folder",
            Assert.Throws<IOException>(() => new PyramidWriter(folder.File("missing/map.tif"), new(2, 3))).Message,
            StringComparison.Ordinal);
    }

    private static byte[] Map(int height, int width)
    {
        var random = new Random((height * 31) + width);
        return [.. Enumerable.Range(0, height * width).Select(_ => (byte)random.Next(Classes.Length))];
    }

    private static void WriteClasses(string path, byte[] map, int width, MapImage place)
    {
        using var file = new ClassMapFile(path, Classes, place);
        file.Begin(map.Length / width, width);
        for (var y = 0; y < map.Length / width; y++)
            file.Write(y, map.AsSpan(y * width, width));
        file.Complete();
    }

    private static GeoReference Ground(string path, ushort rasterType, Func<TaggedTiff, TaggedTiff> place)
    {
        // Model, kind of raster, and UTM zone 31 north.
        TaggedTiff.Write(path, place(TaggedTiff.Of<byte>(64, 64, 1, (y, x, _) => (byte)(x + y))
            .Shorts(34735, 1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, rasterType, 3072, 0, 1, 32631)));
        return ImageInfo.Read(path).GeoReference!;
    }

    private static string? Started(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var text = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return text;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
