using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// Random numbers that are a function of a counter and a seed: the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable
/// pseudorandom number generators", OOPSLA 2014), computed on whole tensors.
/// </summary>
internal static class CounterRandom
{
    /// <summary>Mixes two numbers into a seed.</summary>
    public static long Mix(long seed, long counter)
    {
        unchecked
        {
            var z = (ulong)seed + 0x9e3779b97f4a7c15UL * ((ulong)counter + 1);
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9UL;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebUL;
            return (long)(z ^ (z >> 31));
        }
    }

    /// <summary>One number in [0, 1), float64, for each counter; disposes <paramref name="counters"/>.</summary>
    public static Tensor Uniform(Tensor counters, long seed)
    {
        var z = counters;
        using var scope = TorchSharp.torch.NewDisposeScope();
        unchecked
        {
            z = z.Times((long)0x9e3779b97f4a7c15UL).Plus(Mix(seed, 0));
            z = (z ^ ShiftRight(z, 30)).Times((long)0xbf58476d1ce4e5b9UL);
            z = (z ^ ShiftRight(z, 27)).Times((long)0x94d049bb133111ebUL);
            z ^= ShiftRight(z, 31);
        }

        counters.Dispose();
        // The upper 53 bits fill the mantissa of a double.
        return (ShiftRight(z, 11).to(ScalarType.Float64).Times(1.0 / (1L << 53))).MoveToOuterDisposeScope();
    }

    /// <summary>A shift that brings in zeros; PyTorch's own brings in the sign.</summary>
    private static Tensor ShiftRight(Tensor value, int bits) =>
        value.bitwise_right_shift(tensor(bits, ScalarType.Int64, value.device)).bitwise_and(
            tensor((1L << (64 - bits)) - 1, ScalarType.Int64, value.device));
}
