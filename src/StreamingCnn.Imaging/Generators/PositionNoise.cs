namespace StreamingCnn.Imaging;

/// <summary>Random numbers that depend on a seed and a position alone, so that every window draws the same ones.</summary>
internal static class PositionNoise
{
    /// <summary>64 well-mixed bits (the finaliser of SplitMix64 over the combined inputs).</summary>
    public static ulong Bits(long seed, long y, long x)
    {
        var z = unchecked(((ulong)seed * 0x9E3779B97F4A7C15UL) ^ ((ulong)y * 0xBF58476D1CE4E5B9UL) ^ ((ulong)x * 0x94D049BB133111EBUL));
        z = Mix(unchecked(z + 0x9E3779B97F4A7C15UL));
        return Mix(z ^ (ulong)x);
    }

    /// <summary>A number in [0, 1).</summary>
    public static double Uniform(long seed, long y, long x) => (Bits(seed, y, x) >> 11) * (1.0 / (1UL << 53));

    private static ulong Mix(ulong z)
    {
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EBUL);
        return z ^ (z >> 31);
    }
}
