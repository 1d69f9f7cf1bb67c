using System.Globalization;
using System.Runtime.InteropServices;
using NetVips;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Imaging.Masks.Drawn;

namespace StreamingCnn.Imaging.Tests.Masks;

/// <summary>Polygons and boxes cover the pixels whose centres they surround, in any window; what is no mask is refused by name.</summary>
public sealed class DrawnMaskTests : IDisposable
{
    private const string Square = "[[[1,1],[4,1],[4,3],[1,3],[1,1]]]";

    private static readonly string[] Classes = ["glass", "tissue", "tumour"];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>What the program writes of a map of classes, it reads as the same map.</summary>
    [Fact]
    public void Maps_that_were_made_polygons_come_back()
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var (height, width) = (random.Next(1, 60), random.Next(1, 40));
            var map = Enumerable.Range(0, height).Select(_ => new byte[width]).ToArray();
            for (var count = random.Next(12); count > 0; count--)
            {
                var (top, left, number) = (random.Next(height), random.Next(width), (byte)random.Next(Classes.Length));
                for (var y = top; y < Math.Min(height, top + random.Next(1, 20)); y++)
                    map[y].AsSpan(left, Math.Min(width - left, random.Next(1, 20))).Fill(number);
            }

            var path = folder.File($"{seed}.geojson");
            using (var file = new PolygonFile(path, MapClass.Of(Classes), new MapPlace()))
            {
                var tracer = new RegionTracer(file.Write, background: 0);
                tracer.Begin(height, width);
                foreach (var (y, row) in map.Index())
                    tracer.Write(y, row);
                tracer.Complete();
                file.Complete();
            }

            Assert.Equal(map.SelectMany(row => row).Select(number => (short)number), Map(path, height, width));
        }
    }

    /// <summary>Against a test of each pixel's centre by itself.</summary>
    [Fact]
    public void Any_polygons_cover_the_centres_within()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var (height, width) = (random.Next(1, 600), random.Next(1, 50));
            // Corners on centres of pixels and on their edges are as likely as others.
            var rings = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Enumerable.Range(0, random.Next(3, 12)).Select(_ =>
                (X: Position(width), Y: Position(height))).ToArray()).ToArray();
            var path = Write("random.geojson", $"[{string.Join(',', rings.Select(Ring))}]", "tissue");
            if (Outside(rings, height, width))
                continue;
            var expected = Enumerable.Range(0, height).SelectMany(row => Enumerable.Range(0, width).Select(column =>
                (short)(rings.Sum(ring => Crossings(ring, column + 0.5, row + 0.5)) % 2)));
            Assert.Equal(expected, Map(path, height, width));

            double Position(int length) => random.Next(2) == 0
                ? random.Next(-4, (2 * length) + 4) / 2.0
                : (random.NextDouble() * (length + 4)) - 2;
        }
    }

    /// <summary>Neighbours that share an edge share no pixel, and leave none out, wherever the edge runs.</summary>
    [Fact]
    public void Neighbours_neither_overlap_nor_leave_a_gap()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            var (x, y) = (random.NextDouble() * 30, random.NextDouble() * 20);
            var corners = new (double X, double Y)[] { (0, 0), (30, 0), (30, 20), (0, 20) };
            var features = corners.Select((corner, place) => Feature(
                $"[{Ring([corner, corners[(place + 1) % 4], (x, y)])}]", Classes[1 + (place % 2)]));
            var path = folder.File("fan.geojson");
            File.WriteAllText(path, Collection(features));
            var (counts, outside, ignored) = DrawnMask.Read(path, Image(20, 30)).Count();
            Assert.Equal((0, 0), (outside, ignored));
            Assert.Equal(600, counts["tissue"] + counts["tumour"]);
        }
    }

    [Fact]
    public void Boxes_may_have_corners_or_sizes()
    {
        var (corners, sizes) = (folder.File("corners.csv"), folder.File("sizes.csv"));
        File.WriteAllText(corners, "class,left,top,right,bottom\ntissue,1,0,3,2\ntumour,3,1,9,2\n");
        File.WriteAllText(sizes, "x;y;width;height;class\n1;0;2,0;2;tissue\n3;1;6;1;tumour\n");
        short[] expected = [0, 1, 1, 0, 0, 0, 1, 1, 2, 2, 0, 0, 0, 0, 0];
        Assert.Equal(expected, Map(corners, 3, 5));
        Assert.Equal(expected, Map(sizes, 3, 5));
    }

    /// <summary>Boxes that touch and lie on one another keep their middles apart; a pixel of two is of the nearer.</summary>
    [Fact]
    public void Of_boxes_the_middle_may_be_taken()
    {
        var path = folder.File("boxes.csv");
        File.WriteAllText(path, "class,left,top,right,bottom\ntissue,0,0,4,2\ntissue,4,0,8,2\ntumour,6,0,14,2\nIgnore*,12,0,20,1\n");
        var image = Image(2, 15);

        Assert.Equal(
            [0, 1, 1, 0, 0, 1, 1, 0, 2, 2, 2, 2, 0, 0, -100],
            Pixels(DrawnMask.Read(path, image, 0.5).Open(Classes)).Take(15));
        Assert.Equal(
            [1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, -100, -100, -100],
            Pixels(DrawnMask.Read(path, image, 1).Open(Classes)).Take(15));
        Assert.Equal(new("tumour", 6, 0, 14, 2), DrawnMask.Read(path, image, 0.5).Objects[2]);
        Assert.Equal(new("Ignore*", 12, 0, 15, 1), DrawnMask.Read(path, image).Objects[3]);
        Assert.Contains(
            "lie on one another",
            Assert.Throws<ImageFormatException>(() => DrawnMask.Read(path, image).Count()).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => DrawnMask.Read(path, image, 0));
    }

    [Theory]
    [InlineData("""[{"type":"Feature","geometry":{"type":"Polygon","coordinates":RINGS},"properties":{"classification":{"name":"tissue"}}}]""")]
    [InlineData("""{"type":"Feature","geometry":{"type":"Polygon","coordinates":RINGS},"properties":{"classification":{"names":["tissue"]}}}""")]
    [InlineData("""{"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[RINGS]},"properties":{"class":"tissue"}}""")]
    [InlineData("""
        {"type":"Feature","properties":{"classification":"tissue"},
         "geometry":{"type":"GeometryCollection","geometries":[{"type":"Polygon","coordinates":RINGS}]}}
        """)]
    public void Files_of_other_programs_are_read(string json)
    {
        var path = folder.File("other.json");
        File.WriteAllText(path, "\ufeff" + json.Replace("RINGS", Square, StringComparison.Ordinal));
        Assert.Equal([0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0], Map(path, 3, 5));
    }

    [Fact]
    public void What_is_to_be_ignored_lies_above_all()
    {
        var path = folder.File("ignored.geojson");
        var ignored = Feature("[[[2,0],[3,0],[3,3],[2,3],[2,0]]]", DrawnMask.IgnoredName);
        File.WriteAllText(path, Collection([ignored, Feature(Square, "tissue")]));
        short[] expected = [0, 0, MaskValues.Ignored, 0, 0, 0, 1, MaskValues.Ignored, 1, 0, 0, 1, MaskValues.Ignored, 1, 0];
        Assert.Equal(expected, Map(path, 3, 5));
        Assert.Equal(["tissue"], DrawnMask.Read(path, Image(3, 5)).Classes);
    }

    [Fact]
    public void Coordinates_of_a_map_are_those_of_the_image()
    {
        var image = Image(20, 30) with
        {
            GeoReference = new()
            {
                Transformation = [0.5, -2, 0, 1000, -2.5, -0.25, 0, 2000, 0, 0, 0, 0, 0, 0, 0, 1],
                Keys = [1, 1, 0, 2, 1025, 0, 1, 2, 3072, 0, 1, 32633],
            },
        };
        var (plain, onMap) = (folder.File("pixels.geojson"), folder.File("map.geojson"));
        foreach (var path in new[] { plain, onMap })
        {
            using var file = new PolygonFile(path, MapClass.Of(Classes), MapPlace.Of(image, 20, 30), inMap: path == onMap);
            var tracer = new RegionTracer(file.Write, background: 0);
            tracer.Begin(20, 30);
            for (var y = 0; y < 20; y++)
                tracer.Write(y, [.. Enumerable.Range(0, 30).Select(x => (byte)((x * y / 7) % 3))]);
            tracer.Complete();
            file.Complete();
        }

        Assert.Equal(Map(plain, 20, 30), Pixels(DrawnMask.Read(onMap, image).Open(Classes)));
        var elsewhere = image with { GeoReference = image.GeoReference with { Keys = [1, 1, 0, 1, 3072, 0, 1, 32632] } };
        Refused(onMap, elsewhere, "its image is of EPSG:32632; export it in the image's system");
        Refused(onMap, Image(20, 30), "where its image lies on the ground is not known; export pixels of the image");
    }

    [Theory]
    [InlineData("{", "it is no JSON")]
    [InlineData("{\"type\":\"Topology\"}", "it is no GeoJSON of features")]
    [InlineData("[{\"type\":\"Feature\",\"geometry\":null}]", "feature 1 has no geometry")]
    [InlineData("[{\"type\":\"Feature\",\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[]},\"properties\":{}}]", "feature 1 has no class")]
    [InlineData("[{\"geometry\":{\"type\":\"Point\",\"coordinates\":[1,1]},\"properties\":{\"class\":\"a\"}}]", "feature 1 is a Point, which has no area")]
    [InlineData("[{\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[]},\"properties\":{\"class\":\"a\"}}]", "feature 1 is a polygon without a corner")]
    [InlineData("[{\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,1],[0,0]]]},\"properties\":{\"class\":\"a\"}}]", "a ring of 3 positions")]
    [InlineData("[{\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,\"1\"],[2,0],[0,0]]]},\"properties\":{\"class\":\"a\"}}]", "are no lists of numbers")]
    [InlineData("[{\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[15,47],[16,47],[16,48],[15,47]]]},\"properties\":{\"class\":\"a\"}}]", "lies outside of its image of 3 x 5 pixels")]
    public void What_is_no_drawing_is_refused(string json, string problem)
    {
        var path = folder.File("broken.geojson");
        File.WriteAllText(path, json);
        Refused(path, Image(3, 5), problem);
    }

    [Theory]
    [InlineData("class,left,top\ntissue,1,1\n", "boxes need the columns class,left,top,right,bottom or class,x,y,width,height")]
    [InlineData("class,x,y,width,height\n,1,1,1,1\n", "the box on line 2 has no class")]
    [InlineData("class,x,y,width,height\na,1,1,wide,1\n", "the box on line 2 has 'wide' for its width")]
    [InlineData("class,left,top,right,bottom\na,3,1,3,2\n", "the box on line 2 has no area")]
    [InlineData("class,x,y,width,height\na,5,0,2,2\n", "the box on line 2 lies outside of its image")]
    public void What_is_no_box_is_refused(string table, string problem)
    {
        var path = folder.File("broken.csv");
        File.WriteAllText(path, table);
        Refused(path, Image(3, 5), problem);
    }

    [Fact]
    public void Two_classes_at_one_pixel_and_unknown_ones_are_refused()
    {
        var path = folder.File("both.geojson");
        File.WriteAllText(path, Collection([Feature(Square, "tissue"), Feature("[[[3,2],[5,2],[5,3],[3,3],[3,2]]]", "tumour")]));
        var mask = DrawnMask.Read(path, Image(3, 5));
        var overlap = Assert.Throws<ImageFormatException>(() => mask.Count());
        Assert.Contains("'tissue' and 'tumour' lie on one another at row 2, column 3", overlap.Message, StringComparison.Ordinal);
        var unknown = Assert.Throws<ImageFormatException>(() => mask.Open(["glass", "tissue"]));
        Assert.Contains(
            "feature 2 is of the class 'tumour', which is none of the classes glass, tissue", unknown.Message, StringComparison.Ordinal);
    }

    private static void Refused(string path, ImageInfo image, string problem) => Assert.Contains(
        problem, Assert.Throws<ImageFormatException>(() => DrawnMask.Read(path, image)).Message, StringComparison.Ordinal);

    private static string Collection(IEnumerable<string> features) =>
        $$"""{"type":"FeatureCollection","features":[{{string.Join(',', features)}}]}""";

    private static string Feature(string rings, string name) =>
        $$$$"""{"type":"Feature","geometry":{"type":"Polygon","coordinates":{{{{rings}}}}},"properties":{"classification":{"name":"{{{{name}}}}"}}}""";

    private static string Ring((double X, double Y)[] ring) =>
        $"[{string.Join(',', ring.Append(ring[0]).Select(corner => string.Create(CultureInfo.InvariantCulture, $"[{corner.X:R},{corner.Y:R}]")))}]";

    private static bool Outside((double X, double Y)[][] rings, int height, int width)
    {
        var corners = rings.SelectMany(ring => ring).ToArray();
        return corners.Max(corner => corner.X) <= 0 || corners.Min(corner => corner.X) >= width
            || corners.Max(corner => corner.Y) <= 0 || corners.Min(corner => corner.Y) >= height;
    }

    /// <summary>How often a ring passes a point on its right; a point on the line is within where its area lies behind it.</summary>
    private static int Crossings((double X, double Y)[] ring, double x, double y)
    {
        var count = 0;
        for (var i = 0; i < ring.Length; i++)
        {
            var (one, other) = (ring[i], ring[(i + 1) % ring.Length]);
            var (upper, lower) = one.Y <= other.Y ? (one, other) : (other, one);
            if (upper.Y <= y && y < lower.Y && upper.X + ((lower.X - upper.X) * ((y - upper.Y) / (lower.Y - upper.Y))) > x)
                count++;
        }

        return count;
    }

    private string Write(string name, string rings, string label)
    {
        var path = folder.File(name);
        File.WriteAllText(path, Collection([Feature(rings, label)]));
        return path;
    }

    private ImageInfo Image(int height, int width)
    {
        var path = folder.File($"{height}-{width}.png");
        if (!File.Exists(path))
        {
            using var black = NetVips.Image.Black(width, height);
            black.Pngsave(path);
        }

        return ImageInfo.Read(path);
    }

    private short[] Map(string path, int height, int width) => Pixels(DrawnMask.Read(path, Image(height, width)).Open(Classes));

    /// <summary>All pixels, put together from windows of several sizes.</summary>
    private static short[] Pixels(IImageSource source)
    {
        using (source)
        {
            var (height, width) = ((int)source.Height, (int)source.Width);
            var map = new short[height * width];
            foreach (var (rows, columns) in new[] { (height, width), (7, 5), (300, 11) })
            {
                var pieces = new short[height * width];
                for (var top = 0; top < height; top += rows)
                {
                    for (var left = 0; left < width; left += columns)
                    {
                        var (tall, wide) = (Math.Min(rows, height - top), Math.Min(columns, width - left));
                        using var window = source.Read(top, left, tall, wide);
                        var numbers = MemoryMarshal.Cast<byte, short>(window.bytes);
                        for (var row = 0; row < tall; row++)
                            numbers.Slice(row * wide, wide).CopyTo(pieces.AsSpan(((top + row) * width) + left));
                    }
                }

                if (rows == height && columns == width)
                    map = pieces;
                else
                    Assert.Equal(map, pieces);
            }

            return map;
        }
    }
}
