using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Reductions;

/// <summary>Maps of a few positions, images and channels, in either memory format, with masks of several kinds.</summary>
internal static class RandomMaps
{
    /// <summary>A map in float64, and a map of weights or a mask beside it where asked for.</summary>
    public static Tensor[] Of(Random random, int seed, bool weighted)
    {
        var shape = Shape(random);
        var generator = new Generator((ulong)seed);
        var values = Format(random, randn(shape, ScalarType.Float64, generator: generator));
        return weighted ? [values, Mask(random, generator, shape)] : [values];
    }

    /// <summary>1 to 3 images, 1 to 4 channels, 1 to 13 rows and columns.</summary>
    public static long[] Shape(Random random) => [random.Next(1, 4), random.Next(1, 5), random.Next(1, 14), random.Next(1, 14)];

    /// <summary>Weights, random zeros and ones, a rectangle of ones, or nothing at all in one of the images.</summary>
    public static Tensor Mask(Random random, Generator generator, long[] shape)
    {
        var channels = random.Next(2) == 0 ? 1 : shape[1];
        var weights = rand([shape[0], channels, shape[2], shape[3]], ScalarType.Float64, generator: generator);
        switch (random.Next(4))
        {
            case 0:
                break;
            case 1:
                weights = weights.IsAtLeast(0.5).to(ScalarType.Float64);
                break;
            case 2:
                weights.zero_().narrow(2, 0, (shape[2] + 1) / 2).narrow(3, shape[3] / 2, shape[3] - (shape[3] / 2)).Filled(1);
                break;
            default:
                weights.narrow(0, random.NextInt64(shape[0]), 1).zero_();
                break;
        }

        return Format(random, weights);
    }

    /// <summary>The same values in one of the two formats.</summary>
    public static Tensor Format(Random random, Tensor map) =>
        random.Next(2) == 0 ? map : MapFormat.ChannelsLast.Copy(map);

    /// <summary>Gradients of the results, the same for results of the same shapes; now and then there is none.</summary>
    public static Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor?>> Slopes(Random random)
    {
        var (seed, absent) = (random.Next(), random.Next(8));
        return results => [.. results.Select((result, place) =>
            place == absent ? null : randn(result.shape, ScalarType.Float64, generator: new Generator((ulong)(seed + place))))];
    }
}
