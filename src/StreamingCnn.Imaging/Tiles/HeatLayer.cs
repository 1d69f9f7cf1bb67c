using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tiles;

/// <summary>A heatmap over an image, in colours.</summary>
internal sealed class HeatLayer : TileLayer
{
    private const int Parts = 4;

    // So many positions are looked at for the largest, at the resolution where there are no more.
    private const double MostPositions = 16e6;

    private readonly TilePyramid<float, MeanOfPresent> tiles;
    private readonly (long Height, long Width) image;
    private readonly byte[] colours;
    private readonly double limit;
    private readonly bool isOfShares;

    private HeatLayer(
        FileLevels file, (TileGrid Grid, int Scale) place, ImageInfo image, byte[] colours, double? limit, bool isOfShares)
        : base(place.Grid, place.Scale, file)
    {
        VipsLibrary.Quieten();
        (this.image, this.colours, this.isOfShares) = ((image.Height, image.Width), colours, isOfShares);
        this.limit = limit ?? Largest(file);
        tiles = new(Grid, 1, level => level == Grid.Top || Level(level) is not null, Read);
    }

    public override string Ending => "png";

    public override double? Limit => isOfShares ? 1 : limit;

    public override double Share => tiles.Share;

    public static HeatLayer Open(string path, ImageInfo image, byte[] colours, int? band, double? limit)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(colours);
        var options = new ImageOptions
        {
            RawValues = true,
            NoDataFill = [float.NaN],
            Alpha = AlphaHandling.Keep,
            Bands = band is { } number ? BandChoice.Parse(number.ToString(CultureInfo.InvariantCulture)) : null,
        };
        var container = ImageContainer.Find(path, options);
        if (container.Info.HasColourTable)
            throw new ImageFormatException(path, "it has a table of colours, so it is a map of classes and no heatmap; give it as --class-map.");
        var place = Over(container.Info, image);
        var file = new FileLevels(container, options);
        if (file.Channels != 1)
        {
            throw new ImageFormatException(
                path, $"it has {file.Channels} channels, and a heatmap has one value at each position; give a file of one channel.");
        }

        try
        {
            // Of bytes, 255 is 1.
            var isOfProbabilities = MapDescription.Of(path).StartsWith(MapDescription.Probabilities, StringComparison.Ordinal);
            var most = container.Info.FloatingPoint ? 1 : byte.MaxValue;
            return isOfProbabilities && limit is null
                ? new(file, place, image, colours, most, isOfShares: true)
                : new(file, place, image, colours, limit, isOfShares: false);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private protected override byte[] EncodeOne(TilePlace place, CancellationToken cancellation) =>
        Coloured(place, tiles.Get(place, cancellation));

    private protected override void EncodeEach(Action<TilePlace, byte[]> write, CancellationToken cancellation) =>
        tiles.All((place, values) => write(place, Coloured(place, values)), cancellation);

    private static double Largest(FileLevels file)
    {
        var level = file.LevelWithin(MostPositions) ?? file.Info.Levels.Count - 1;
        var (height, width) = file.Size(level);
        var rows = Math.Clamp((long)MostPositions / 4 / width, 1, height);
        var largest = 0f;
        for (long top = 0; top < height; top += rows)
        {
            using var scope = NewDisposeScope();
            var values = FloatPixels.Of(file.Read(level, new(top, 0, Math.Min(rows, height - top), width)));
            for (long row = 0; row < values.Height; row++)
            {
                foreach (var value in values[row])
                {
                    if (float.IsFinite(value))
                        largest = Math.Max(largest, value);
                }
            }
        }

        return largest > 0 ? largest : 1;
    }

    private int? Level(int level) => LevelMatch.OfMap(File.Info, image, (double)Scale * Grid.Factor(level));

    private float[] Read(TilePlace place)
    {
        var factor = (double)Scale * Grid.Factor(place.Level);
        using var scope = NewDisposeScope();
        return new SampledWindow(File, Level(place.Level) ?? 0, Grid.Region(place), image, factor).Values(1);
    }

    private byte[] Coloured(TilePlace place, float[] values)
    {
        var last = (colours.Length / Parts) - 1;
        var pixels = new byte[values.Length * Parts];
        for (var i = 0; i < values.Length; i++)
        {
            if (!(values[i] > 0))
                continue;
            var step = (int)Math.Round(Math.Min(values[i] / limit, 1) * last);
            colours.AsSpan(step * Parts, Parts).CopyTo(pixels.AsSpan(i * Parts));
        }

        return TileBytes.Png(pixels, Grid.Region(place));
    }
}
