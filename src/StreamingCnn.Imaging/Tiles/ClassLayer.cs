using System.Runtime.InteropServices;
using StreamingCnn.Imaging.Maps;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tiles;

/// <summary>A map of classes over an image, in colours.</summary>
internal sealed class ClassLayer : TileLayer
{
    private const byte Opaque = 255;

    // The numbers that there are, are looked for at the resolution where there are no more positions than this.
    private const double MostPositions = 16e6;
    private const int MostNamed = 24;

    private readonly TilePyramid<uint, FirstOfFour> tiles;
    private readonly (long Height, long Width) image;
    private readonly ColourOf colour;

    private ClassLayer(
        FileLevels file,
        (TileGrid Grid, int Scale) place,
        ImageInfo image,
        ColourOf colour,
        IReadOnlyList<MapClass>? classes)
        : base(place.Grid, place.Scale, file)
    {
        VipsLibrary.Quieten();
        (this.image, this.colour) = ((image.Height, image.Width), colour);
        Classes = classes ?? Found(file);
        tiles = new(Grid, 1, level => level == Grid.Top || Level(level) is not null, Read);
    }

    /// <summary>Red, green, blue and opacity of a pixel, the first in the lowest byte.</summary>
    private delegate uint ColourOf(ReadOnlySpan<float> samples);

    public override string Ending => "png";

    public override double Share => tiles.Share;

    public override IReadOnlyList<MapClass> Classes { get; }

    public static ClassLayer Open(string path, ImageInfo image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var options = new ImageOptions
        {
            RawValues = true,
            NoData = NoDataHandling.Keep,
            Alpha = AlphaHandling.Keep,
            ApplyColourProfile = false,
        };
        var container = ImageContainer.Find(path, options);
        var place = Over(container.Info, image);
        var file = new FileLevels(container, options);
        try
        {
            if (container.Info.HasColourTable && MapDescription.First(path) is { } page)
                return OfTable(file, place, image, page);
            return file.Channels == 1 && !container.Info.FloatingPoint
                ? new(file, place, image, OfNumbers(container.Info), null)
                : throw new ImageFormatException(
                    path,
                    $"it has {file.Channels} channel(s) of {container.Info.SampleType}, and a map of classes has one whole number at each position, or a table of colours; give such a file.");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private protected override byte[] EncodeOne(TilePlace place, CancellationToken cancellation) =>
        Encoded(place, tiles.Get(place, cancellation));

    private protected override void EncodeEach(Action<TilePlace, byte[]> write, CancellationToken cancellation) =>
        tiles.All((place, pixels) => write(place, Encoded(place, pixels)), cancellation);

    /// <summary>Colours of a table. Those of its first entry, the background, and of positions without data are transparent.</summary>
    private static ClassLayer OfTable(FileLevels file, (TileGrid Grid, int Scale) place, ImageInfo image, TiffDirectory page)
    {
        var size = 1 << page.BitsPerSample;
        var shift = page.Palette.Any(part => part > byte.MaxValue) ? 8 : 0;
        var names = MapDescription.NamesOf(page.Description);
        MapClass[] all = [.. Enumerable.Range(0, size).Select(number => Entry(number, names.ElementAtOrDefault(number) ?? $"{number}"))];
        HashSet<uint> hidden = [Packed(all[0])];
        if (NoDataValue.Parse(page.NoData) is { } missing && missing >= 0 && missing < size)
            hidden.Add(Packed(all[(int)missing]));
        return new(file, place, image, Colour, [.. all.Take(names.Count).Skip(1)]);

        MapClass Entry(int number, string name) => new(name, Part(number), Part(size + number), Part((2 * size) + number));

        byte Part(int at) => at < page.Palette.Count ? (byte)(page.Palette[at] >> shift) : (byte)0;

        uint Colour(ReadOnlySpan<float> samples)
        {
            var packed = samples.Length >= 3
                ? Packed((byte)samples[0], (byte)samples[1], (byte)samples[2])
                : Packed((byte)samples[0], (byte)samples[0], (byte)samples[0]);
            return hidden.Contains(packed) ? 0 : packed;
        }
    }

    /// <summary>Colours of the library's choice for numbers; beyond so many as have one they come again.</summary>
    private static ColourOf OfNumbers(ImageInfo info)
    {
        uint[] colours = [.. Colours().Select(Packed)];
        // Few bits are spread over a byte.
        var largest = info.StoredLargest ?? byte.MaxValue;
        return samples =>
        {
            var number = Number(info, largest, samples[0]);
            return number <= 0 ? 0 : colours[1 + ((number - 1) % (colours.Length - 1))];
        };
    }

    private static IReadOnlyList<MapClass> Colours() =>
        MapClass.Of(Enumerable.Range(0, MapClass.Most).Select(number => $"{number}"));

    private static int Number(ImageInfo info, int largest, float value)
    {
        var number = (int)MathF.Round(largest < byte.MaxValue ? value * largest / byte.MaxValue : value);
        return info.IsInverted && info.StoredLargest is not null ? largest - number : number;
    }

    private static uint Packed(MapClass known) => Packed(known.Red, known.Green, known.Blue);

    private static uint Packed(byte red, byte green, byte blue) =>
        red | ((uint)green << 8) | ((uint)blue << 16) | ((uint)Opaque << 24);

    /// <summary>The numbers that there are, called so; empty where finding out would take long, or where there are too many.</summary>
    private static MapClass[] Found(FileLevels file)
    {
        if (file.LevelWithin(MostPositions) is not { } small)
            return [];
        using var scope = NewDisposeScope();
        var (height, width) = file.Size(small);
        var values = FloatPixels.Of(file.Read(small, new(0, 0, height, width)));
        var largest = file.Info.StoredLargest ?? byte.MaxValue;
        var numbers = new SortedSet<int>();
        for (long row = 0; row < height && numbers.Count <= MostNamed; row++)
        {
            foreach (var value in values[row])
                numbers.Add(Number(file.Info, largest, value));
        }

        var colours = Colours();
        return numbers.Count > MostNamed ? [] :
        [
            .. numbers.Where(number => number > 0).Select(
                number => colours[1 + ((number - 1) % (colours.Count - 1))] with { Name = $"{number}" }),
        ];
    }

    private int? Level(int level) => LevelMatch.OfMap(File.Info, image, (double)Scale * Grid.Factor(level));

    private uint[] Read(TilePlace place)
    {
        var factor = (double)Scale * Grid.Factor(place.Level);
        using var scope = NewDisposeScope();
        var window = new SampledWindow(File, Level(place.Level) ?? 0, Grid.Region(place), image, factor);
        var channels = Math.Min(File.Channels, 3);
        var samples = window.Values(channels);
        var pixels = new uint[samples.Length / channels];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = colour(samples.AsSpan(i * channels, channels));
        return pixels;
    }

    private byte[] Encoded(TilePlace place, uint[] pixels) =>
        TileBytes.Png(MemoryMarshal.AsBytes<uint>(pixels).ToArray(), Grid.Region(place));
}
