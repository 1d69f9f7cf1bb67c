using System.IO.Compression;
using System.Runtime.InteropServices;

namespace StreamingCnn.Imaging.Maps;

/// <summary>
/// A level of a pyramid that is written row by row: it holds one row of tiles, and hands each pair of rows on at half the size.
/// </summary>
internal sealed class PyramidLevel
{
    /// <summary>Height and width of a tile.</summary>
    public const int Side = 256;

    private readonly MapImage image;
    private readonly Stream file;
    private readonly PyramidLevel? smaller;
    private readonly byte[] rows;
    private readonly byte[] tile;
    private readonly byte[] half;
    private readonly MemoryStream packed;
    private readonly List<long> offsets = [];
    private readonly List<long> lengths = [];
    private readonly int rowBytes;
    private int held;

    /// <param name="image">What is written, of the first level.</param>
    /// <param name="height">Rows of this level.</param>
    /// <param name="width">Columns.</param>
    /// <param name="file">Where tiles go, one behind the other.</param>
    /// <param name="packed">Where a tile is packed; all levels may have the same.</param>
    public PyramidLevel(MapImage image, long height, long width, Stream file, MemoryStream packed)
    {
        (this.image, Height, Width, this.file, this.packed) = (image, height, width, file, packed);
        rowBytes = checked((int)(width * image.PositionBytes));
        rows = new byte[checked((int)Math.Min(Side, height) * rowBytes)];
        tile = new byte[Side * Side * image.PositionBytes];
        // An odd row or column at the end is left out of the next level, as libvips does.
        if (Math.Max(height, width) > Side && Math.Min(height, width) > 1)
            smaller = new(image, height / 2, width / 2, file, packed);
        half = smaller is null ? [] : new byte[smaller.rowBytes];
    }

    /// <summary>Rows.</summary>
    public long Height { get; }

    /// <summary>Columns.</summary>
    public long Width { get; }

    /// <summary>Rows that have come.</summary>
    public long Received { get; private set; }

    /// <summary>What the file says of this level and the smaller ones.</summary>
    public IEnumerable<TiffPage> Pages(bool isReduced = false) =>
        [new(image, Height, Width, Side, isReduced, offsets, lengths), .. smaller?.Pages(isReduced: true) ?? []];

    /// <summary>Takes the next row.</summary>
    public void Write(ReadOnlySpan<byte> row)
    {
        row.CopyTo(rows.AsSpan(held * rowBytes));
        held++;
        Received++;
        if (smaller is not null && held % 2 == 0)
        {
            Halve(rows.AsSpan((held - 2) * rowBytes, rowBytes), rows.AsSpan((held - 1) * rowBytes, rowBytes));
            smaller.Write(half);
        }

        if (held == Side || Received == Height)
            WriteTiles();
    }

    private void WriteTiles()
    {
        for (long left = 0; left < Width; left += Side)
        {
            var (from, count) = ((int)left * image.PositionBytes, (int)Math.Min(Side, Width - left) * image.PositionBytes);
            if (count < Side * image.PositionBytes || held < Side)
                Array.Clear(tile);
            for (var y = 0; y < held; y++)
                rows.AsSpan((y * rowBytes) + from, count).CopyTo(tile.AsSpan(y * Side * image.PositionBytes));
            packed.SetLength(0);
            using (var zip = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
                zip.Write(tile);
            offsets.Add(file.Position);
            lengths.Add(packed.Length);
            file.Write(packed.GetBuffer(), 0, (int)packed.Length);
        }

        held = 0;
    }

    /// <summary>Half a row of two: of classes every second position, else means of four.</summary>
    private void Halve(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        var channels = image.Channels;
        var count = (int)smaller!.Width;
        if (image.Classes is not null)
        {
            for (var x = 0; x < count; x++)
                half[x] = first[2 * x];
        }
        else if (image.Samples == MapSamples.Byte)
        {
            for (var (x, at) = (0, 0); x < count; x++)
            {
                for (var (channel, corner) = (0, 2 * x * channels); channel < channels; channel++, corner++)
                    half[at++] = (byte)((first[corner] + first[corner + channels] + second[corner] + second[corner + channels] + 2) / 4);
            }
        }
        else
        {
            var upper = MemoryMarshal.Cast<byte, float>(first);
            var lower = MemoryMarshal.Cast<byte, float>(second);
            var target = MemoryMarshal.Cast<byte, float>(half.AsSpan());
            for (var (x, at) = (0, 0); x < count; x++)
            {
                for (var (channel, corner) = (0, 2 * x * channels); channel < channels; channel++, corner++)
                    target[at++] = (upper[corner] + upper[corner + channels] + lower[corner] + lower[corner + channels]) / 4;
            }
        }
    }
}
