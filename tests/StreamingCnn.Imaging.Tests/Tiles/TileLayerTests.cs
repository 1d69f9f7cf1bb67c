using NetVips;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Imaging.Tiles;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Tiles;

public sealed class TileLayerTests : IDisposable
{
    // Of a map's value 0, 1, 2, ... 255 the colour is (value, 255 - value, 7), opaque.
    private static readonly byte[] Colours =
    [
        .. Enumerable.Range(0, 256).SelectMany(step => (byte[])[(byte)step, (byte)(255 - step), 7, 255]),
    ];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_picture_has_the_image_s_pixels_at_every_level()
    {
        // Smooth, so that JPEG changes little.
        var image = TaggedTiff.Of(
            700, 1100, 3, (y, x, band) => (byte)((band == 0 ? y / 3 : band == 1 ? x / 5 : (y + x) / 8) % 256), tile: 128);
        using var layer = TileLayer.OfImage(image.WriteTo(folder.File("a.tif")));
        Assert.Equal((700, 1100, 1, "jpg", ""), (layer.Grid.Height, layer.Grid.Width, layer.Scale, layer.Ending, layer.Remark));
        // On smaller levels the edges, of which the last pixel counts twice, weigh more.
        for (var level = layer.Grid.Top - 4; level <= layer.Grid.Top; level++)
        {
            var factor = layer.Grid.Factor(level);
            foreach (var (place, pixels, bands) in All(layer, level))
            {
                var region = layer.Grid.Region(place);
                Assert.Equal(3, bands);
                var off = 0.0;
                for (var i = 0; i < pixels.Length; i++)
                {
                    var (y, x) = (region.Top + (i / 3 / region.Width), region.Left + (i / 3 % region.Width));
                    var row = Math.Min((y * factor) + ((factor - 1) / 2.0), 699);
                    var column = Math.Min((x * factor) + ((factor - 1) / 2.0), 1099);
                    off += Math.Abs(pixels[i] - ((i % 3) switch { 0 => row / 3, 1 => column / 5, _ => (row + column) / 8 }));
                }

                Assert.True(off / pixels.Length < 3, $"{place}: {off / pixels.Length}");
            }
        }
    }

    [Fact]
    public void Levels_of_the_file_are_used()
    {
        // The smaller levels say themselves which they are.
        byte Value(int level) => (byte)(40 * (level + 1));
        var page = TaggedTiff.Of(1000, 1501, 1, (_, _, _) => Value(0), tile: 256) with
        {
            Smaller =
            [
                TaggedTiff.Of(500, 750, 1, (_, _, _) => Value(1), tile: 256).Shorts(254, 1),
                TaggedTiff.Of(125, 188, 1, (_, _, _) => Value(3), tile: 256).Shorts(254, 1),
            ],
        };
        using var layer = TileLayer.OfImage(page.WriteTo(folder.File("a.tif")));
        foreach (var (below, file) in new[] { (0, 0), (1, 1), (2, 1), (3, 3), (4, 3), (11, 3) })
        {
            Assert.All(
                All(layer, layer.Grid.Top - below).SelectMany(tile => tile.Pixels),
                value => Assert.InRange(value, Value(file) - 1, Value(file) + 1));
        }

        Assert.Equal(1, layer.Share);
    }

    [Theory]
    [InlineData(600, 900, 600, 900)]
    [InlineData(600, 900, 75, 113)]
    [InlineData(601, 899, 37, 56)]
    [InlineData(1300, 1100, 351, 297)]
    [InlineData(50, 40, 100, 80)]
    public void A_map_lies_on_its_image_to_the_pixel(int height, int width, int rows, int columns)
    {
        // A map of ten by ten fields, each of one value.
        byte Field(double y, double x) => (byte)(1 + (Math.Min((int)(y * 10), 9) * 20) + Math.Min((int)(x * 10), 9));
        Image("image.tif", height, width);
        var map = TaggedTiff.Of(rows, columns, 1, (y, x, _) => Field((y + 0.5) / rows, (x + 0.5) / columns));
        using var layer = TileLayer.OfHeat(
            map.WriteTo(folder.File("map.tif")), ImageInfo.Read(folder.File("image.tif")), Colours, limit: 255);
        Assert.True((layer.Grid.Height * layer.Scale) - height < layer.Scale);
        // No position is passed over, and none is shown more than twice as large as it is needed.
        Assert.True(layer.Grid.Height >= rows || layer.Scale == 1);
        Assert.True(layer.Grid.Height < (2 * rows) + 2);
        foreach (var (place, pixels, bands) in All(layer, layer.Grid.Top))
        {
            Assert.Equal(4, bands);
            var region = layer.Grid.Region(place);
            for (var i = 0; i < pixels.Length; i += 4)
            {
                var (y, x) = (region.Top + (i / 4 / region.Width), region.Left + (i / 4 % region.Width));
                // Within half a position of the image's place.
                var (down, across) = (((y + 0.5) * layer.Scale) / height, ((x + 0.5) * layer.Scale) / width);
                var (slackY, slackX) = (0.51 / rows, 0.51 / columns);
                byte[] allowed =
                [
                    Field(down, across), Field(down - slackY, across - slackX), Field(down + slackY, across + slackX),
                    Field(down - slackY, across + slackX), Field(down + slackY, across - slackX),
                ];
                Assert.Contains(pixels[i], allowed);
                Assert.Equal(255 - pixels[i], pixels[i + 1]);
            }
        }
    }

    [Fact]
    public void Heat_is_transparent_where_there_is_none_and_hottest_at_its_largest()
    {
        Image("image.tif", 40, 60);
        var map = TaggedTiff.Of(40, 60, 1, (y, x, _) => y < 10 ? 0f : y < 20 ? float.NaN : y < 30 ? -5f : x < 30 ? 2f : 4f);
        using var layer = TileLayer.OfHeat(map.Text(42113, "nan").WriteTo(folder.File("map.tif")), ImageInfo.Read(folder.File("image.tif")), Colours);
        Assert.Equal(4, layer.Limit);
        var pixels = Assert.Single(All(layer, layer.Grid.Top)).Pixels;
        for (var i = 0; i < 40 * 60; i++)
        {
            var (y, x) = (i / 60, i % 60);
            byte[] expected = y < 30 ? [0, 0, 0, 0] : x < 30 ? [128, 127, 7, 255] : [255, 0, 7, 255];
            Assert.Equal(expected, pixels.AsSpan(i * 4, 4).ToArray());
        }
    }

    [Fact]
    public void Probabilities_are_shares_and_each_class_has_its_own()
    {
        Image("image.tif", 40, 60);
        using (var file = new PyramidWriter(
            folder.File("map.tif"), new(40, 60) { Channels = 2, Description = "Probabilities: ground, disc", ChannelNames = ["ground", "disc"] }))
        {
            file.Write([.. Enumerable.Range(0, 40 * 60).SelectMany(_ => (byte[])[255, 51])]);
            file.Complete();
        }

        var info = ImageInfo.Read(folder.File("image.tif"));
        foreach (var (band, value) in new[] { (1, (byte)255), (2, (byte)51) })
        {
            using var layer = TileLayer.OfHeat(folder.File("map.tif"), info, Colours, band);
            Assert.Equal(1, layer.Limit);
            Assert.Equal(value, All(layer, layer.Grid.Top).Single().Pixels[0]);
        }

        var error = Assert.Throws<ImageFormatException>(() => TileLayer.OfHeat(folder.File("map.tif"), info, Colours));
        Assert.Equal("it has 2 channels, and a heatmap has one value at each position; give a file of one channel.", error.Problem);
    }

    [Fact]
    public void Classes_have_the_colours_and_names_of_their_table()
    {
        Image("image.tif", 900, 1300);
        var classes = MapClass.Of(["glass", "tissue, two kinds", "ink"]);
        using (var file = new ClassMapFile(folder.File("map.tif"), classes, new(900, 1300) { NoData = MapClass.NoData }))
        {
            file.Begin(900, 1300);
            for (var y = 0; y < 900; y++)
                file.Write(y, [.. Enumerable.Range(0, 1300).Select(x => (byte)(x >= 1000 ? 255 : ((y / 100) + (x / 100)) % 3))]);
            file.Complete();
        }

        using var layer = TileLayer.OfClasses(folder.File("map.tif"), ImageInfo.Read(folder.File("image.tif")));
        Assert.Equal(["tissue, two kinds", "ink"], layer.Classes.Select(known => known.Name));
        Assert.Equal(classes.Skip(1), layer.Classes);
        for (var below = 0; below < 4; below++)
        {
            foreach (var (place, pixels, _) in All(layer, layer.Grid.Top - below))
            {
                var region = layer.Grid.Region(place);
                for (var i = 0; i < pixels.Length / 4; i++)
                {
                    var (y, x) = ((region.Top + (i / region.Width)) << below, (region.Left + (i % region.Width)) << below);
                    var number = x >= 1000 ? 0 : ((y / 100) + (x / 100)) % 3;
                    var known = classes[(int)number];
                    byte[] expected = number == 0 ? [0, 0, 0, 0] : [known.Red, known.Green, known.Blue, 255];
                    Assert.Equal(expected, pixels.AsSpan(i * 4, 4).ToArray());
                }
            }
        }
    }

    [Fact]
    public void Numbers_of_a_mask_get_colours()
    {
        Image("image.tif", 40, 60);
        TaggedTiff.Of(40, 60, 1, (y, _, _) => (byte)(y < 20 ? 0 : 3)).WriteTo(folder.File("mask.tif"));
        using var layer = TileLayer.OfClasses(folder.File("mask.tif"), ImageInfo.Read(folder.File("image.tif")));
        var known = Assert.Single(layer.Classes);
        Assert.Equal("3", known.Name);
        var pixels = All(layer, layer.Grid.Top).Single().Pixels;
        Assert.Equal((byte[])[0, 0, 0, 0], pixels[..4]);
        Assert.Equal((byte[])[known.Red, known.Green, known.Blue, 255], pixels[^4..]);
    }

    [Fact]
    public void Files_that_do_not_fit_are_refused()
    {
        Image("image.tif", 400, 600);
        var info = ImageInfo.Read(folder.File("image.tif"));
        var other = Image("other.tif", 300, 600, bands: 1);
        var colours = Image("colours.tif", 400, 600);
        using (var file = new ClassMapFile(folder.File("table.tif"), MapClass.Of(["a", "b"])))
        {
            file.Begin(400, 600);
            for (var y = 0; y < 400; y++)
                file.Write(y, new byte[600]);
            file.Complete();
        }

        Refused(
            () => TileLayer.OfHeat(other, info, Colours),
            $"it has 300 x 600 pixels, which is another shape than the 400 x 600 (height x width) of the image '{info.Path}'; give a map of the whole of that image.");
        Refused(() => TileLayer.OfHeat(folder.File("table.tif"), info, Colours), "it has a table of colours, so it is a map of classes and no heatmap; give it as --class-map.");
        Refused(
            () => TileLayer.OfClasses(colours, info),
            "it has 3 channel(s) of uint8, and a map of classes has one whole number at each position, or a table of colours; give such a file.");
        Refused(() => TileLayer.OfHeat(folder.File("missing.tif"), info, Colours), "there is no such file; check the path.");
        Refused(() => DrawnRegion.Read(folder.File("missing.geojson"), info), "there is no such file; check the path.");
        Refused(() => DrawnRegion.Read(other, info), "polygons are read from .geojson and .json, and boxes from .csv; give such a file.");
        using var layer = TileLayer.OfImage(info.Path);
        Assert.Throws<ArgumentOutOfRangeException>(() => layer.Encode(new(30, 0, 0)));

        static void Refused(Func<object> open, string problem) =>
            Assert.Equal(problem, Assert.Throws<ImageFormatException>(open).Problem);
    }

    /// <summary>An image of 16 bits looks like its small picture.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public void Values_of_any_range_are_stretched_as_for_a_small_picture(int bands)
    {
        var random = new Random(8);
        TaggedTiff.Of(300, 400, bands, (y, x, band) => (ushort)(500 + (band * 300) + y + x + random.Next(20))).WriteTo(folder.File("image.tif"));
        var info = ImageInfo.Read(folder.File("image.tif"));
        using var layer = TileLayer.OfImage(info.Path);
        using var small = Thumbnail.Read(info, 1024);
        Assert.NotEqual("", layer.Remark);
        Assert.Equal(small.Remark, layer.Remark);
        using var scope = NewDisposeScope();
        var expected = small.Read(0, 0, 300, 400)[0].permute(1, 2, 0).contiguous().bytes.ToArray();
        var pixels = All(layer, layer.Grid.Top).Single().Pixels;
        Assert.Equal(expected.Length, pixels.Length);
        Assert.True(expected.Zip(pixels, (a, b) => Math.Abs(a - b)).Average() < 4);
    }

    [Fact]
    public void Pixels_without_data_are_white()
    {
        TaggedTiff.Of(100, 100, 1, (y, _, _) => (byte)(y < 50 ? 0 : 90)).Text(42113, "0").WriteTo(folder.File("image.tif"));
        using var layer = TileLayer.OfImage(folder.File("image.tif"));
        var pixels = All(layer, layer.Grid.Top).Single().Pixels;
        Assert.InRange(pixels[1000], 253, 255);
        Assert.InRange(pixels[^1000], 88, 92);
    }

    [Fact]
    public async Task Several_threads_get_the_same_tiles()
    {
        TaggedTiff.Of(900, 900, 1, (y, x, _) => (byte)((y * 7) + (x * 3)), tile: 64).WriteTo(folder.File("image.tif"));
        using var layer = TileLayer.OfImage(folder.File("image.tif"));
        var once = new Dictionary<TilePlace, byte[]>();
        layer.EncodeAll(once.Add);
        await Parallel.ForEachAsync(
            once.Concat(once).Concat(once), new ParallelOptions { MaxDegreeOfParallelism = 8 }, (tile, cancellation) =>
        {
            Assert.Equal(tile.Value, layer.Encode(tile.Key, cancellation));
            return ValueTask.CompletedTask;
        });
    }

    [Fact]
    public void A_folder_of_tiles_is_one_that_libvips_reads()
    {
        Image("image.tif", 700, 900);
        using var layer = TileLayer.OfImage(folder.File("image.tif"));
        var told = 0;
        DeepZoomFolder.Write(layer, folder.File("a"), () => told++);
        Assert.Equal(layer.Grid.Total, told);
        Assert.Equal(layer.Grid.Total, Directory.GetFiles(folder.File("a_files"), "*.jpg", SearchOption.AllDirectories).Length);
        Assert.Contains("<Size Width=\"900\" Height=\"700\"/>", File.ReadAllText(folder.File("a.dzi")), StringComparison.Ordinal);
        using var corner = NetVips.Image.NewFromFile(folder.File($"a_files/{layer.Grid.Top}/1_1.jpg"));
        Assert.Equal((900 - 512, 700 - 512), (corner.Width, corner.Height));
    }

    [Fact]
    public void Drawn_regions_have_the_colours_of_their_file()
    {
        Image("image.tif", 400, 600);
        var info = ImageInfo.Read(folder.File("image.tif"));
        folder.Write("a.geojson", """
            {"type":"FeatureCollection","features":[
            {"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[1,2],[30,2],[30,40],[1,2]]]},
             "properties":{"name":"first","classification":{"name":"tumour","color":[200,10,20]}}},
            {"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[1,2],[30,2],[30,40],[1,2]]]},"properties":{}},
            {"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[1,2],[30,2],[30,40],[1,2]]]},
             "properties":{"classification":{"name":"old","colorRGB":-16711936}}}]}
            """);
        folder.Write("b.csv", "class,left,top,right,bottom\nnut,1,2,30,40\n");
        var regions = DrawnRegion.Read(folder.File("a.geojson"), info);
        Assert.Equal(["tumour", DrawnRegion.Unnamed, "old"], regions.Select(region => region.Class.Name));
        Assert.Equal(["first", "", ""], regions.Select(region => region.Name));
        Assert.Equal(new("tumour", 200, 10, 20), regions[0].Class);
        Assert.Equal(new("old", 0, 255, 0), regions[2].Class);
        Assert.Equal([(1, 2), (30, 2), (30, 40)], regions[0].Rings.Single());
        Assert.Equal("nut", DrawnRegion.Read(folder.File("b.csv"), info).Single().Class.Name);
    }

    /// <summary>Levels of a real slide's file and of one that has none look alike, and are as good as those that libvips makes.</summary>
    [Theory]
    [InlineData("tiff/cmu1-pyramid-jpeg-t256.tif")]
    [InlineData("tiff/cmu1-pyramid-subifd-jpeg-t512.tif")]
    [InlineData("wsi/CMU-1-Small-Region.svs")]
    [InlineData("photo/he-cmu1-2220x2967.jpg")]
    public void Real_images_look_like_themselves(string name)
    {
        using var layer = TileLayer.OfImage(SampleFiles.GetDecodable(name));
        using var image = NetVips.Image.NewFromFile(SampleFiles.Get("photo/he-cmu1-2220x2967.jpg"));
        foreach (var below in (int[])[0, 2, 3])
        {
            using var small = below == 0 ? image.Copy() : image.Shrink(1 << below, 1 << below);
            foreach (var (place, pixels, _) in All(layer, layer.Grid.Top - below).Take(4))
            {
                var region = layer.Grid.Region(place);
                var height = Math.Min(region.Height, small.Height - region.Top);
                var width = Math.Min(region.Width, small.Width - region.Left);
                using var part = small.Crop((int)region.Left, (int)region.Top, (int)width, (int)height);
                var expected = part.WriteToMemory<byte>();
                double off = 0;
                for (var i = 0; i < expected.Length; i++)
                {
                    var (y, x) = (i / 3 / width, i / 3 % width);
                    off += Math.Abs(expected[i] - pixels[(((y * region.Width) + x) * 3) + (i % 3)]);
                }

                Assert.True(off / expected.Length < 9, $"{place}: {off / expected.Length}");
            }
        }
    }

    private static IEnumerable<(TilePlace Place, byte[] Pixels, int Bands)> All(TileLayer layer, int level)
    {
        for (var row = 0; row < layer.Grid.Count(level).Rows; row++)
        {
            for (var column = 0; column < layer.Grid.Count(level).Columns; column++)
            {
                var place = new TilePlace(level, column, row);
                using var image = NetVips.Image.NewFromBuffer(layer.Encode(place));
                var region = layer.Grid.Region(place);
                Assert.Equal((region.Height, region.Width), (image.Height, image.Width));
                yield return (place, image.WriteToMemory<byte>(), image.Bands);
            }
        }
    }

    private string Image(string name, int height, int width, int bands = 3) =>
        TaggedTiff.Of(height, width, bands, (y, x, _) => (byte)((y / 4) + (x / 4))).WriteTo(folder.File(name));
}
