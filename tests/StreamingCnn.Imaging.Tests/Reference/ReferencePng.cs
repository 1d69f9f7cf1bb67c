using System.Buffers.Binary;
using System.IO.Compression;

namespace StreamingCnn.Imaging.Tests.Reference;

/// <summary>PNG without interlacing, after the specification (W3C, sections 7 to 9, 11). A palette is looked up.</summary>
internal sealed class ReferencePng : ReferenceImage
{
    private readonly byte[] rows;
    private readonly int bits;
    private readonly int stride;
    private readonly int stored;
    private readonly byte[]? palette;

    public ReferencePng(byte[] file)
    {
        using var packed = new MemoryStream();
        for (var at = 8; at < file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            var data = file.AsSpan(at + 8, length);
            switch (System.Text.Encoding.ASCII.GetString(file, at + 4, 4))
            {
                case "IHDR":
                    (Width, Height) = (BinaryPrimitives.ReadInt32BigEndian(data), BinaryPrimitives.ReadInt32BigEndian(data[4..]));
                    bits = data[8];
                    stored = data[9] switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
                    Assert.Equal(0, data[12]);
                    break;
                case "PLTE":
                    palette = data.ToArray();
                    break;
                case "IDAT":
                    packed.Write(data);
                    break;
            }

            at += length + 12;
        }

        stride = ((Width * stored * bits) + 7) / 8;
        rows = new byte[Height * (stride + 1)];
        packed.Position = 0;
        using var unpacked = new ZLibStream(packed, CompressionMode.Decompress);
        unpacked.ReadExactly(rows);
        Unfilter();
    }

    public override int Height { get; }

    public override int Width { get; }

    public override int Bands => palette is null ? stored : 3;

    public override float Sample(int y, int x, int band)
    {
        var row = rows.AsSpan((y * (stride + 1)) + 1, stride);
        if (palette is not null)
            return palette[(Bits(row, x) * 3) + band];
        var at = (x * stored) + band;
        return bits switch
        {
            16 => BinaryPrimitives.ReadUInt16BigEndian(row[(2 * at)..]),
            8 => row[at],
            _ => Bits(row, at) * 255f / ((1 << bits) - 1),
        };
    }

    private int Bits(ReadOnlySpan<byte> row, int at) => (row[at * bits / 8] >> (8 - bits - (at * bits % 8))) & ((1 << bits) - 1);

    private void Unfilter()
    {
        var step = Math.Max(1, stored * bits / 8);
        for (var y = 0; y < Height; y++)
        {
            var row = rows.AsSpan(y * (stride + 1), stride + 1);
            var above = y == 0 ? new byte[stride + 1] : rows.AsSpan((y - 1) * (stride + 1), stride + 1);
            for (var i = 1; i <= stride; i++)
            {
                var (a, b, c) = (i > step ? row[i - step] : 0, (int)above[i], i > step ? above[i - step] : 0);
                row[i] += (byte)(row[0] switch { 0 => 0, 1 => a, 2 => b, 3 => (a + b) / 2, _ => Paeth(a, b, c) });
            }
        }
    }

    private static int Paeth(int a, int b, int c)
    {
        var (pa, pb, pc) = (Math.Abs(b - c), Math.Abs(a - c), Math.Abs(a + b - c - c));
        return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    }
}
