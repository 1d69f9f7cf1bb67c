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
}
