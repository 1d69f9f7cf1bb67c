using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>
/// Percentiles of maps of any size in constant memory, and exact: the bits of a float32, read as a number, are in the order of the values,
/// so two passes that count their upper and then their lower halves find the one value that is asked for.
/// </summary>
internal static class ExactPercentile
{
    private const int Half = 16;

    /// <summary>The smallest value that is not exceeded by more than (100 - percent) % of all.</summary>
    /// <param name="map">One channel, no NaN.</param>
    /// <param name="percent">Above 0 to 100.</param>
    public static float Of(RasterFile map, double percent)
    {
        var rank = Math.Clamp((long)Math.Ceiling(percent / 100 * map.Height * map.Width), 1, map.Height * map.Width);
        var (upper, left) = Find(Count(map, bits => bits >> Half), rank);
        var (lower, _) = Find(Count(map, bits => bits >> Half == upper ? bits & ushort.MaxValue : null), left);
        return FromKey((upper << Half) | lower);
    }

    private static long[] Count(RasterFile map, Func<uint, uint?> part)
    {
        var counts = new long[1 << Half];
        foreach (var (top, rows) in map.Bands())
        {
            using var scope = NewDisposeScope();
            foreach (var value in MemoryMarshal.Cast<byte, float>(map.Read(top, rows).bytes))
            {
                if (part(Key(value)) is { } bin)
                    counts[bin]++;
            }
        }

        return counts;
    }

    private static (uint Bin, long Left) Find(long[] counts, long rank)
    {
        uint bin = 0;
        for (; rank > counts[bin]; bin++)
            rank -= counts[bin];
        return (bin, rank);
    }

    // Negative numbers are in falling order of their bits, and below all others.
    private static uint Key(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (bits & 0x8000_0000) != 0 ? ~bits : bits | 0x8000_0000;
    }

    private static float FromKey(uint key) => BitConverter.UInt32BitsToSingle((key & 0x8000_0000) != 0 ? key & 0x7FFF_FFFF : ~key);
}
