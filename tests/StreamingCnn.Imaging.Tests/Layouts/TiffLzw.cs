namespace StreamingCnn.Imaging.Tests.Layouts;

/// <summary>LZW as TIFF 6.0, section 13, has it: codes of 9 to 12 bits, the highest bit first, which grow one code early.</summary>
internal static class TiffLzw
{
    private const int Clear = 256;
    private const int End = 257;

    public static byte[] Encode(byte[] data)
    {
        var coded = new List<byte>();
        var (held, bits, width) = (0L, 0, 9);
        Dictionary<(int Prefix, byte Next), int> table = [];
        void Put(int code)
        {
            held = (held << width) | (uint)code;
            bits += width;
            for (; bits >= 8; bits -= 8)
                coded.Add((byte)(held >> (bits - 8)));
            held &= (1L << bits) - 1;
        }

        void Grow(int free)
        {
            if (free == 4094)
            {
                Put(Clear);
                table.Clear();
                width = 9;
            }
            else if (free is 512 or 1024 or 2048)
            {
                width++;
            }
        }

        Put(Clear);
        var prefix = -1;
        foreach (var value in data)
        {
            if (prefix < 0)
            {
                prefix = value;
                continue;
            }

            if (table.TryGetValue((prefix, value), out var known))
            {
                prefix = known;
                continue;
            }

            Put(prefix);
            table[(prefix, value)] = End + 1 + table.Count;
            prefix = value;
            Grow(End + 1 + table.Count);
        }

        if (prefix >= 0)
            Put(prefix);
        // The decoder counts the string after this one, too.
        Grow(End + 2 + table.Count);
        Put(End);
        if (bits > 0)
            coded.Add((byte)(held << (8 - bits)));
        return [.. coded];
    }
}
