using StreamingCnn.Imaging.Augmentation;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Sources;

/// <summary>Arrays of a window's size would wait for the garbage collector, beside a memory budget that it knows nothing of.</summary>
public sealed class WindowMemoryTests
{
    private const long Side = 1500;

    private static readonly Dictionary<string, Func<IImageSource, IImageSource>> Wrappers = new()
    {
        ["noise"] = inner => new NoisySource(inner, 1, seed: 1),
        ["resampled"] = inner => new ResampledSource(inner, Side - 100, Side - 100),
        ["colours"] = inner => new RecolouredSource(inner, new ColourJitter(1.1f, 1, 1, 0)),
        ["filled"] = inner => new FilledSource(inner, [0]),
        ["normalised"] = inner => new NormalizedSource(inner, Normalization.ImageNet),
    };

    public static TheoryData<string> Names => [.. Wrappers.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_window_lives_in_no_array(string wrapper)
    {
        using var scope = NewDisposeScope();
        using var source = Wrappers[wrapper](new TensorImageSource(full([1, 3, Side, Side], 100, ScalarType.Float32)));
        source.Read(0, 0, 8, 8).Dispose();
        var before = GC.GetTotalAllocatedBytes(precise: true);
        using var window = source.Read(0, 0, source.Height, source.Width);
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;

        // The window is 27 MB.
        Assert.InRange(allocated, 0, 3 * Side * Side * sizeof(float) / 4);
    }

    [Fact]
    public void Decoded_tiles_leave_nothing_behind()
    {
        const int side = 4096, tile = 512, window = 700;
        var path = Path.Combine(Directory.CreateTempSubdirectory("windows").FullName, "tiles.tif");
        using (var noise = NetVips.Image.Gaussnoise(side, side, sigma: 60, mean: 128))
        using (var colours = noise.Bandjoin(noise, noise).Cast(NetVips.Enums.BandFormat.Uchar))
        {
            colours.Tiffsave(
                path, tile: true, tileWidth: tile, tileHeight: tile, compression: NetVips.Enums.ForeignTiffCompression.Deflate);
        }

        using var source = ImageSource.Open(path);

        // The second time all that is made once has been made.
        ReadAll();
        var before = Environment.WorkingSet;
        for (var i = 0; i < 3; i++)
            ReadAll();
        var grown = Environment.WorkingSet - before;
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);

        // Each of the 147 windows has decoded about four tiles of 0.75 MiB.
        Assert.InRange(grown, long.MinValue, 60 << 20);

        // Places that differ from tiles, as a network's windows do.
        void ReadAll()
        {
            for (var top = 0; top < side; top += 600)
            {
                for (var left = 0; left < side; left += 600)
                    source.Read(top, left, Math.Min(window, side - top), Math.Min(window, side - left)).Dispose();
            }
        }
    }
}
