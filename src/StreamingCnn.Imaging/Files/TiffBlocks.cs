using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using NetVips;

namespace StreamingCnn.Imaging;

/// <summary>
/// The tiles or strips of a TIFF image, unpacked when they are asked for; those used last are kept. Threads may ask at once.
/// </summary>
internal sealed class TiffBlocks : IDisposable
{
    // Two rows of blocks are kept, so that windows side by side do not unpack anything twice, between these bounds.
    private const long LeastKept = 32L << 20;
    private const long MostKept = 512L << 20;

    // A block that does not fit into an array cannot be unpacked at once.
    private const long LargestBlock = 1L << 30;

    // Rows of a strip that is not compressed are read as they are needed, so many bytes at a time.
    private const long Portion = 1L << 20;

    private readonly string path;
    private readonly TiffDirectory image;
    private readonly SafeFileHandle file;
    private readonly BoundedCache<(int Block, int Part), Lazy<byte[]>> cache;
    private readonly long blocksAcross;
    private readonly long blocksDown;
    private readonly int partRows;
    private readonly int storedRowBytes;

    public TiffBlocks(string path, TiffDirectory image)
    {
        this.path = path;
        this.image = image;
        Samples = image.Planar ? 1 : image.SamplesPerPixel;
        Bits = TiffLayout.IsFax(image) ? 8 : image.BitsPerSample;
        BlockWidth = (int)Math.Min(image.Tiled ? image.TileWidth : image.Width, int.MaxValue);
        blocksAcross = (image.Width + BlockWidth - 1) / BlockWidth;
        blocksDown = (image.Height + image.BlockRows - 1) / image.BlockRows;
        var rowBytes = (((long)BlockWidth * Samples * Bits) + 7) / 8;
        if (rowBytes > LargestBlock || (!Divisible && rowBytes * image.BlockRows > LargestBlock))
        {
            var size = rowBytes * (double)image.BlockRows / 1e9;
            throw new ImageFormatException(
                path, $"one {BlockName} of it unpacks to {size:0.#} GB; convert it with 'gdal_translate -co TILED=YES IN OUT.tif'.");
        }

        RowBytes = (int)rowBytes;
        storedRowBytes = UnpackedColours ? TiffChroma.UnitRowBytes(image, BlockWidth) : RowBytes;
        partRows = (int)(Divisible ? Math.Clamp(Portion / Math.Max(1, rowBytes), 1, image.BlockRows) : image.BlockRows);
        var partBytes = Math.Max(1, rowBytes * partRows);
        var twoRows = 2 * (double)partBytes * blocksAcross * (image.Planar ? image.SamplesPerPixel : 1);
        cache = new BoundedCache<(int, int), Lazy<byte[]>>((long)Math.Clamp(twoRows, LeastKept, MostKept), _ => partBytes);
        file = File.OpenHandle(path);
    }

    /// <summary>Samples of a pixel within a block: 1 where every band has blocks of its own.</summary>
    public int Samples { get; }

    /// <summary>Bits of a sample within a block.</summary>
    public int Bits { get; }

    /// <summary>Columns of a block.</summary>
    public int BlockWidth { get; }

    /// <summary>Bytes of a row of a block.</summary>
    public int RowBytes { get; }

    private string BlockName => image.Tiled ? "tile" : "strip";

    private bool UnpackedColours => image.Photometric == 6 && image.Compression != TiffLayout.Jpeg;

    private bool Divisible => image.Compression == 1 && !image.Tiled && !UnpackedColours;

    /// <summary>The rows that are unpacked together with a row: the first of them, and how many they are.</summary>
    public (long First, int Rows) RowsAt(long row)
    {
        var block = row / image.BlockRows * image.BlockRows;
        var first = block + ((row - block) / partRows * partRows);
        return (first, (int)Math.Min(Math.Min(partRows, block + image.BlockRows - first), image.Height - first));
    }

    /// <summary>
    /// Rows of a block, the first being that of <see cref="RowsAt"/>: samples with their lowest byte first. Null where the file stores
    /// nothing.
    /// </summary>
    /// <param name="plane">Band, or 0 where blocks hold all bands.</param>
    /// <param name="row">Any row of the image.</param>
    /// <param name="column">Any column of the image.</param>
    /// <exception cref="ImageFormatException">The block is damaged.</exception>
    public byte[]? Get(int plane, long row, long column)
    {
        var block = (int)((((plane * blocksDown) + (row / image.BlockRows)) * blocksAcross) + (column / BlockWidth));
        if (image.BlockLengths[block] == 0)
            return null;
        var (first, rows) = RowsAt(row);
        Lazy<byte[]> unpacked;
        lock (cache)
        {
            unpacked = cache.Get(
                (block, (int)(first % image.BlockRows / partRows)),
                key => new Lazy<byte[]>(() => Unpack(key.Block, key.Part, image.Tiled ? (int)image.TileHeight : rows)));
        }

        return unpacked.Value;
    }

    public void Dispose() => file.Dispose();

    private byte[] Unpack(int block, int part, int rows)
    {
        var unitRows = UnpackedColours ? (rows + image.ChromaSubsampling.Down - 1) / image.ChromaSubsampling.Down : rows;
        var wanted = (long)storedRowBytes * unitRows;
        byte[] samples;
        if (image.Compression == 1)
        {
            var offset = part * (long)partRows * storedRowBytes;
            if (offset + wanted > image.BlockLengths[block])
                throw Damaged(block, $"holds {image.BlockLengths[block]} bytes of {offset + wanted}");
            samples = Bytes(block, image.BlockOffsets[block] + offset, wanted);
            if (image.FillOrder == 2)
                samples = Reversed(samples);
        }
        else
        {
            // No codec makes much more of little: what is longer than this holds something else.
            var coded = Bytes(block, image.BlockOffsets[block], Math.Min(image.BlockLengths[block], (4 * wanted) + (1 << 20)));
            // No codec packs more than about 2700 bytes into one, but for a fax, which has at least a bit for each row: a larger claim is
            // damage or malice.
            if (TiffLayout.IsFax(image) ? rows > (coded.Length * 8L) + 64 : wanted > (coded.Length * 4096L) + 65536)
                throw Damaged(block, $"has {coded.Length} bytes, which cannot hold {wanted}");
            samples = TiffLayout.PacksBytes(image)
                ? Unpack(block, image.FillOrder == 2 ? Reversed(coded) : coded, wanted)
                : Decode(TiffBlockFile.Around(coded, BlockWidth, rows, Samples, image), wanted);
        }

        if (UnpackedColours)
            return TiffChroma.ToColours(samples, BlockWidth, rows, image);
        TiffPredictor.Undo(samples, RowBytes, Samples, image);
        return samples;
    }

    private byte[] Unpack(int block, byte[] coded, long wanted)
    {
        if (TiffCodec.IsOldLzw(image.Compression, coded))
        {
            throw new ImageFormatException(
                path, "it is compressed with LZW as before 1990; convert it with 'gdal_translate -co TILED=YES IN OUT.tif'.");
        }

        var samples = new byte[wanted];
        var got = TiffCodec.Unpack(image.Compression, coded, samples);
        return got == wanted ? samples : throw Damaged(block, $"unpacks to {got} bytes of {wanted}");
    }

    private byte[] Decode(byte[] tiff, long wanted)
    {
        VipsLibrary.Quieten();
        try
        {
            using var source = Source.NewFromMemory(tiff);
            using var decoded = Image.NewFromSource(source, access: Enums.Access.Sequential, failOn: Enums.FailOn.Warning);
            if (decoded.Width * (long)decoded.Height * decoded.Bands != wanted || decoded.Format != Enums.BandFormat.Uchar)
            {
                throw new ImageFormatException(
                    path, "its blocks are not what its header says; convert it with 'gdal_translate -co TILED=YES IN OUT.tif'.");
            }

            var samples = new byte[wanted];
            VipsWindow.Write(decoded, samples);
            return samples;
        }
        catch (VipsException error)
        {
            throw VipsImageSource.Explain(path, error);
        }
    }

    private byte[] Bytes(int block, long offset, long count)
    {
        var bytes = new byte[count];
        for (var done = 0; done < bytes.Length;)
        {
            var got = RandomAccess.Read(file, bytes.AsSpan(done), offset + done);
            if (got == 0)
                throw Damaged(block, $"reaches to byte {offset + count}, but the file ends before");
            done += got;
        }

        return bytes;
    }

    private static byte[] Reversed(byte[] bytes)
    {
        var reversed = new byte[bytes.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            var value = ((bytes[i] & 0x55) << 1) | ((bytes[i] >> 1) & 0x55);
            value = ((value & 0x33) << 2) | ((value >> 2) & 0x33);
            reversed[i] = (byte)((value << 4) | (value >> 4));
        }

        return reversed;
    }

    private ImageFormatException Damaged(int block, string what) =>
        new(path, $"this TIFF file is damaged: {BlockName} {block} {what}; copy or export it again.");
}
