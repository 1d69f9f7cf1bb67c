using StreamingCnn.Imaging.Tests.Augmentation;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Layouts;

/// <summary>
/// Every way to store an image in a TIFF file gives its numbers, window by window, at odd places: files of known numbers by a writer that
/// shares no code with any decoder.
/// </summary>
public sealed class PixelMatrixTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static readonly (int Bits, int Format)[] Samples =
    [
        (1, 1), (2, 1), (4, 1), (8, 1), (8, 2), (12, 1), (16, 1), (16, 2), (32, 1), (32, 2), (64, 1), (64, 2), (16, 3), (32, 3), (64, 3),
        (8, 1), (16, 1), (32, 3),
    ];

    // Strips, one or some rows in each; tiles that are square, oblong and of sides that are no multiple of 16.
    private static readonly (int Height, int? Width)[] Blocks =
        [(1000, null), (1, null), (7, null), (16, 16), (32, 32), (48, 16), (16, 64), (10, 14), (33, 21)];

    private static readonly ImageOptions AsStored = new() { RawValues = true, Alpha = AlphaHandling.Keep, NoData = NoDataHandling.Keep };

    /// <summary>How many random layouts are tried; STREAMINGCNN_TIFF_LAYOUTS sets another number for a long run.</summary>
    private static int Count => int.TryParse(Environment.GetEnvironmentVariable("STREAMINGCNN_TIFF_LAYOUTS"), out var count) ? count : 500;

    [Fact]
    public void Every_layout_gives_its_numbers()
    {
        var random = new Random(20);
        var failures = new List<string>();
        for (var i = 0; i < Count; i++)
        {
            var layout = Random(random);
            if (Compare(layout, random) is { } failure)
                failures.Add($"{i}: {failure} in {layout}");
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures.Take(10)) + $"\n{failures.Count} of {Count}");
    }

    public void Dispose() => folder.Dispose();

    private static TiffLayoutCase Random(Random random)
    {
        var (bits, format) = Samples[random.Next(Samples.Length)];
        var (blockHeight, tileWidth) = Blocks[random.Next(Blocks.Length)];
        var compression = ((int[])[1, 5, 8, 32773])[random.Next(4)];
        var predictor = compression is 5 or 8 && bits % 8 == 0 ? random.Next(1, format == 3 ? 4 : 3) : 1;
        var (height, width, bands) = (random.Next(1, 60), random.Next(1, 70), random.Next(3) == 0 ? 1 : random.Next(1, 14));
        return new TiffLayoutCase
        {
            Height = height,
            Width = width,
            Bands = bands,
            Bits = bits,
            SampleFormat = format,
            Planar = random.Next(2) == 0,
            BlockHeight = tileWidth is null ? Math.Min(blockHeight, height) : blockHeight,
            TileWidth = tileWidth,
            Compression = compression,
            Predictor = predictor,
            BigEndian = random.Next(2) == 0,
            BigTiff = random.Next(3) == 0,
            Photometric = random.Next(8) == 0 ? null : bands >= 3 && random.Next(2) == 0 ? 2 : bits <= 16 && random.Next(6) == 0 ? 0 : 1,
            ExtraSamples = bands is 2 or 4 ? [random.Next(2) * 2] : [],
            MissingEvery = random.Next(4) == 0 ? random.Next(1, 5) : 0,
            NoData = random.Next(2) == 0 ? null : "1",
            ReversedBits = random.Next(8) == 0,
            Orientation = random.Next(4) == 0 ? random.Next(1, 9) : 1,
        };
    }

    private string? Compare(TiffLayoutCase layout, Random random)
    {
        using var scope = NewDisposeScope();
        var path = Path.Combine(folder.Path, "layout.tif");
        var numbers = Numbers(layout, random.Next());
        TiffWriter.Write(path, layout, (y, x, band) => numbers[band, y, x]);
        try
        {
            using var source = ImageSource.Open(path, AsStored);
            var expected = Shown(Expected(layout, numbers), layout.Orientation);
            if (source.Channels != layout.Bands || source.Height != expected.shape[2] || source.Width != expected.shape[3])
                return $"{source.Channels} x {source.Height} x {source.Width}";
            for (var i = 0; i < 6; i++)
            {
                using var inner = NewDisposeScope();
                // All of it first.
                var (top, height) = i == 0 ? (0, source.Height) : Cut(random, source.Height);
                var (left, width) = i == 0 ? (0, source.Width) : Cut(random, source.Width);
                var window = source.Read(top, left, height, width).to(ScalarType.Float32);
                if (!Windows.Same(window, expected.narrow(2, top, height).narrow(3, left, width)))
                    return $"other numbers at {top}, {left}, {height}, {width} by {source.GetType().Name}";
            }

            return null;
        }
        catch (ImageFormatException error)
        {
            return error.Problem + error.InnerException?.Message;
        }
    }

    private static (long First, long Count) Cut(Random random, long length)
    {
        var first = random.NextInt64(length);
        return (first, 1 + random.NextInt64(length - first));
    }

    private static double[,,] Numbers(TiffLayoutCase layout, int seed)
    {
        var random = new Random(seed);
        var numbers = new double[layout.Bands, layout.Height, layout.Width];
        var range = Math.Pow(2, Math.Min(layout.Bits, 40));
        for (var band = 0; band < layout.Bands; band++)
        {
            for (var y = 0; y < layout.Height; y++)
            {
                for (var x = 0; x < layout.Width; x++)
                {
                    // A slope with noise, since only neighbours that are alike try a predictor.
                    var value = ((((x * 3) + (y * 5) + (band * 70)) / 400.0) + (random.NextDouble() / 20)) % 1;
                    numbers[band, y, x] = layout.SampleFormat switch
                    {
                        3 => layout.Bits == 16 ? (double)(Half)((value * 9) - 3) : (value * 9) - 3,
                        2 => Math.Floor((value - 0.5) * range),
                        _ => Math.Floor(value * range),
                    };
                }
            }
        }

        return numbers;
    }

    /// <summary>
    /// What the file means: blocks that are not stored hold the value for nothing, few bits are spread over 0..255, and zero may mean white
    /// in the first band.
    /// </summary>
    private static Tensor Expected(TiffLayoutCase layout, double[,,] numbers)
    {
        var values = new float[numbers.Length];
        var largest = Math.Pow(2, layout.Bits) - 1;
        for (var i = 0; i < values.Length; i++)
        {
            var (band, y, x) = (i / (layout.Height * layout.Width), i / layout.Width % layout.Height, i % layout.Width);
            var value = layout.IsMissing(layout.BlockOf(y, x, band)) ? (layout.NoData is null ? 0 : 1) : numbers[band, y, x];
            if (layout is { Photometric: 0, SampleFormat: 1 } && band == 0)
                value = largest - value;
            if (layout is { Bits: < 8 })
                value = value * 255 / largest;
            values[i] = (float)value;
        }

        return tensor(values, [1, layout.Bands, layout.Height, layout.Width]);
    }

    private static Tensor Shown(Tensor stored, int orientation) => orientation switch
    {
        2 => stored.flip(3),
        3 => stored.flip(2, 3),
        4 => stored.flip(2),
        5 => stored.transpose(2, 3),
        6 => stored.flip(2).transpose(2, 3),
        7 => stored.flip(2, 3).transpose(2, 3),
        8 => stored.flip(3).transpose(2, 3),
        _ => stored,
    };
}
