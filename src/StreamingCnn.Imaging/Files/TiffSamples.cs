using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace StreamingCnn.Imaging;

/// <summary>Samples of a row of a TIFF block, of any number of bits, as numbers to work with.</summary>
internal static class TiffSamples
{
    /// <summary>Unsigned samples of up to 8 bits as they are stored.</summary>
    /// <param name="row">A row, which starts with a whole byte.</param>
    /// <param name="bits">Bits of a sample.</param>
    /// <param name="first">Number of the first sample in the row.</param>
    /// <param name="count">How many samples.</param>
    /// <param name="target">Where they go: each <paramref name="step"/>-th place.</param>
    /// <param name="step">Distance between two samples in the target.</param>
    public static void ToBytes(ReadOnlySpan<byte> row, int bits, int first, int count, Span<byte> target, int step)
    {
        if (bits == 8 && step == 1)
        {
            row.Slice(first, count).CopyTo(target);
            return;
        }

        for (var i = 0; i < count; i++)
            target[i * step] = (byte)(bits == 8 ? row[first + i] : Packed(row, bits, first + i));
    }

    /// <summary>Unsigned samples of 9 to 16 bits as they are stored; otherwise as <see cref="ToBytes"/>.</summary>
    public static void ToWords(ReadOnlySpan<byte> row, int bits, int first, int count, Span<ushort> target, int step)
    {
        if (bits == 16 && step == 1)
        {
            MemoryMarshal.Cast<byte, ushort>(row).Slice(first, count).CopyTo(target);
            return;
        }

        for (var i = first; i < first + count; i++)
            target[(i - first) * step] = bits == 16
                ? BinaryPrimitives.ReadUInt16LittleEndian(row[(i * 2)..])
                : (ushort)Packed(row, bits, i);
    }

    /// <summary>All other samples as the nearest floating-point number of 32 bits; otherwise as <see cref="ToBytes"/>.</summary>
    /// <param name="row">See <see cref="ToBytes"/>.</param>
    /// <param name="kind">1 and 4 unsigned, 2 signed, 3 floating point.</param>
    /// <param name="bits">See <see cref="ToBytes"/>.</param>
    /// <param name="first">See <see cref="ToBytes"/>.</param>
    /// <param name="count">See <see cref="ToBytes"/>.</param>
    /// <param name="target">See <see cref="ToBytes"/>.</param>
    /// <param name="step">See <see cref="ToBytes"/>.</param>
    public static void ToFloats(ReadOnlySpan<byte> row, int kind, int bits, int first, int count, Span<float> target, int step)
    {
        switch (kind, bits)
        {
            case (3, 16):
                Convert<Half>(row, first, count, target, step);
                break;
            case (3, 24):
                for (var i = 0; i < count; i++)
                    target[i * step] = OfThreeBytes(row.Slice((first + i) * 3, 3));
                break;
            case (3, 32):
                Convert<float>(row, first, count, target, step);
                break;
            case (3, _):
                Convert<double>(row, first, count, target, step);
                break;
            case (2, 8):
                Convert<sbyte>(row, first, count, target, step);
                break;
            case (2, 16):
                Convert<short>(row, first, count, target, step);
                break;
            case (2, 32):
                Convert<int>(row, first, count, target, step);
                break;
            case (2, _):
                Convert<long>(row, first, count, target, step);
                break;
            case (_, 24):
                for (var i = 0; i < count; i++)
                    target[i * step] = row[(first + i) * 3] | (row[((first + i) * 3) + 1] << 8) | (row[((first + i) * 3) + 2] << 16);
                break;
            case (_, 32):
                Convert<uint>(row, first, count, target, step);
                break;
            default:
                Convert<ulong>(row, first, count, target, step);
                break;
        }
    }

    private static void Convert<T>(ReadOnlySpan<byte> row, int first, int count, Span<float> target, int step)
        where T : unmanaged, INumberBase<T>
    {
        var samples = MemoryMarshal.Cast<byte, T>(row).Slice(first, count);
        for (var i = 0; i < count; i++)
            target[i * step] = float.CreateTruncating(samples[i]);
    }

    private static int Packed(ReadOnlySpan<byte> row, int bits, int sample)
    {
        var value = 0;
        var at = (long)sample * bits;
        for (var left = bits; left > 0;)
        {
            var free = 8 - (int)(at & 7);
            var take = Math.Min(free, left);
            value = (value << take) | ((row[(int)(at >> 3)] >> (free - take)) & ((1 << take) - 1));
            at += take;
            left -= take;
        }

        return value;
    }

    // One bit of sign, 7 of exponent with an offset of 63, 16 of fraction (Adobe's technical note 3).
    private static float OfThreeBytes(ReadOnlySpan<byte> bytes)
    {
        var all = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
        var (sign, exponent, fraction) = ((all & 0x800000) != 0 ? -1f : 1f, (all >> 16) & 0x7f, all & 0xffff);
        return sign * exponent switch
        {
            0 => MathF.ScaleB(fraction, -62 - 16),
            0x7f => fraction == 0 ? float.PositiveInfinity : float.NaN,
            _ => MathF.ScaleB(0x10000 | fraction, exponent - 63 - 16),
        };
    }
}
