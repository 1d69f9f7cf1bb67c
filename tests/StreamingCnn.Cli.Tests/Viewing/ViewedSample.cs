using System.Runtime.InteropServices;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Maps;
using static TorchSharp.torch;

namespace StreamingCnn.Cli.Tests.Viewing;

/// <summary>
/// An image that looks a little like tissue with spots in it, and what a network might say of it: a heatmap, classes and outlines, all of
/// which lie on the spots.
/// </summary>
internal static class ViewedSample
{
    public const int Height = 1500;
    public const int Width = 2100;
    public const double MicrometresPerPixel = 0.5;

    // Of the map, as of a network that reads the image at a quarter of its size.
    private const int Scale = 4;

    /// <summary>Centre and radius of the spots, in pixels of the image.</summary>
    public static readonly (int Y, int X, int Radius)[] Spots =
    [
        (420, 560, 130), (960, 1420, 190), (330, 1500, 90), (1130, 500, 110), (760, 920, 60),
    ];

    public static readonly IReadOnlyList<MapClass> Classes = MapClass.Of(["glass", "tissue", "spot"]);

    /// <summary>Writes NAME.tif, and the maps beside it as the program names them.</summary>
    public static void Write(TemporaryFolder folder, string name = "sample")
    {
        var pixels = new byte[3 * Height * Width];
        Parallel.For(0, Height, y =>
        {
            for (var x = 0; x < Width; x++)
            {
                var tissue = Tissue(y, x);
                var spot = Spots.Max(one => Inside(one, y, x));
                // Grain that is the same each time, from the position alone.
                var grain = (((((y * 73856093) ^ (x * 19349663)) >> 7) & 31) - 16) * (0.2 + (0.8 * tissue));
                var cells = (Math.Sin(x / 9.0) + Math.Sin(y / 7.0) + Math.Sin((x + y) / 13.0)) * 9 * tissue;
                foreach (var (band, glass, pink, purple) in new[] { (0, 244, 226, 118), (1, 243, 168, 84), (2, 245, 200, 158) })
                {
                    var colour = glass + ((pink - glass) * tissue) + ((purple - pink) * spot * tissue);
                    var value = colour + grain + (cells * (1 - (0.5 * spot)));
                    pixels[(((band * Height) + y) * Width) + x] = (byte)Math.Clamp(value, 0, 255);
                }
            }
        });
        using (var scope = NewDisposeScope())
        {
            using var image = new TensorImageSource(tensor(pixels, [1, 3, Height, Width]));
            ImageFile.Write(image, folder.File($"{name}.tif"));
        }

        Maps(folder, name);
    }

    private static void Maps(TemporaryFolder folder, string name)
    {
        var (rows, columns) = (Height / Scale, Width / Scale);
        var place = new MapImage(rows, columns);
        using var heat = new PyramidWriter(folder.File($"{name}.saliency.tif"), place with { Samples = MapSamples.Float32 });
        using var classes = new ClassMapFile(folder.File($"{name}.classes.tif"), Classes);
        using var polygons = new PolygonFile(folder.File($"{name}.polygons.geojson"), Classes, new(Across: Scale, Down: Scale));
        var tracer = new RegionTracer(region =>
        {
            if (region.Number == 2)
                polygons.Write(region);
        });
        classes.Begin(rows, columns);
        tracer.Begin(rows, columns);
        for (var row = 0; row < rows; row++)
        {
            var (values, numbers) = (new float[columns], new byte[columns]);
            for (var column = 0; column < columns; column++)
            {
                var (y, x) = ((row * Scale) + (Scale / 2), (column * Scale) + (Scale / 2));
                values[column] = (float)Spots.Sum(
                    spot => Math.Exp(-(Square(y - spot.Y) + Square(x - spot.X)) / Square(spot.Radius * 1.2))) * 0.02f;
                numbers[column] = (byte)(Spots.Any(spot => Inside(spot, y, x) > 0.5) ? 2 : Tissue(y, x) > 0.5 ? 1 : 0);
            }

            heat.Write(MemoryMarshal.AsBytes<float>(values));
            classes.Write(row, numbers);
            tracer.Write(row, numbers);
        }

        heat.Complete();
        classes.Complete();
        tracer.Complete();
        polygons.Complete();
    }

    private static double Square(double number) => number * number;

    private static double Tissue(double y, double x) => Step(
        1.05 + (0.13 * Math.Sin(y / 170)) + (0.11 * Math.Sin((x / 210) + 1))
            - Math.Sqrt(Square((y - (Height / 2)) / (Height * 0.46)) + Square((x - (Width / 2)) / (Width * 0.46))),
        0.03);

    private static double Inside((int Y, int X, int Radius) spot, double y, double x)
    {
        var angle = Math.Atan2(y - spot.Y, x - spot.X);
        var edge = spot.Radius * (1 + (0.12 * Math.Sin((3 * angle) + spot.Radius)));
        return Step(edge - Math.Sqrt(Square(y - spot.Y) + Square(x - spot.X)), 5);
    }

    private static double Step(double distance, double softness) => 1 / (1 + Math.Exp(-distance / softness * 2));
}
