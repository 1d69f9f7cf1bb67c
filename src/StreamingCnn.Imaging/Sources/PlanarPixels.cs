using System.Runtime.Intrinsics;

namespace StreamingCnn.Imaging;

/// <summary>
/// Turns pixels as decoders give them (red, green, blue, red, green, ...) into planes as networks want them (all red, all green, all blue).
/// </summary>
internal static class PlanarPixels
{
    private const int Lanes = 16;

    // Which byte of the first, second and third 16 of 48 goes where in the plane of each channel; 255 leaves a zero.
    private static readonly Vector128<byte>[] Picks = [.. Enumerable.Range(0, 9).Select(i => Pick(channel: i / 3, part: i % 3))];

    /// <summary>Splits three interleaved channels.</summary>
    /// <param name="packed">Three bytes per pixel.</param>
    /// <param name="planes">As many bytes: one third per channel.</param>
    public static void Split(ReadOnlySpan<byte> packed, Span<byte> planes)
    {
        var count = packed.Length / 3;
        var red = planes[..count];
        var green = planes.Slice(count, count);
        var blue = planes.Slice(2 * count, count);
        var done = 0;
        // Decoding is fast enough for this step to be seen: a general transposition costs three times as much as libvips' decoding of JPEG
        // tiles.
        if (Vector128.IsHardwareAccelerated)
        {
            for (; done <= count - Lanes; done += Lanes)
            {
                var (a, b, c) =
                    (
                        Vector128.Create(packed[(3 * done)..]),
                        Vector128.Create(packed[((3 * done) + 16)..]),
                        Vector128.Create(packed[((3 * done) + 32)..]));
                Gather(a, b, c, 0).CopyTo(red[done..]);
                Gather(a, b, c, 3).CopyTo(green[done..]);
                Gather(a, b, c, 6).CopyTo(blue[done..]);
            }
        }

        for (; done < count; done++)
            (red[done], green[done], blue[done]) = (packed[3 * done], packed[(3 * done) + 1], packed[(3 * done) + 2]);
    }

    private static Vector128<byte> Gather(Vector128<byte> a, Vector128<byte> b, Vector128<byte> c, int first) =>
        Vector128.Shuffle(a, Picks[first]) | Vector128.Shuffle(b, Picks[first + 1]) | Vector128.Shuffle(c, Picks[first + 2]);

    private static Vector128<byte> Pick(int channel, int part)
    {
        var places = Enumerable.Range(0, Lanes).Select(pixel => (3 * pixel) + channel - (Lanes * part));
        return Vector128.Create([.. places.Select(place => place is >= 0 and < Lanes ? (byte)place : byte.MaxValue)]);
    }
}
