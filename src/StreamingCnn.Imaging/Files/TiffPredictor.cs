using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace StreamingCnn.Imaging;

/// <summary>
/// Brings the samples of an unpacked block of a TIFF file into the order of a machine, and adds up those that are stored as differences.
/// </summary>
/// <remarks>Horizontal differences: TIFF 6.0, section 14. Differences of floating-point numbers: Adobe's technical note 3.</remarks>
internal static class TiffPredictor
{
    /// <summary>
    /// Turns a block, in place, into samples as they are, the lowest byte first. Samples of no whole number of bytes stay as they are: they
    /// are packed from the highest bit on.
    /// </summary>
    /// <param name="block">Rows of whole bytes.</param>
    /// <param name="rowBytes">Bytes of a row.</param>
    /// <param name="samples">Samples of a pixel within the block.</param>
    /// <param name="image">How the image is stored.</param>
    public static void Undo(Span<byte> block, int rowBytes, int samples, TiffDirectory image)
    {
        // Only codecs for bytes come with differences; files that claim them for others exist, and mean nothing by it.
        var predictor = TiffLayout.PacksBytes(image) && image.Compression is not (1 or 32773) ? image.Predictor : 1;
        if (predictor == 3)
        {
            var scratch = new byte[rowBytes];
            for (var at = 0; at + rowBytes <= block.Length; at += rowBytes)
                AddFloatingPoint(block.Slice(at, rowBytes), scratch, samples, image.BitsPerSample / 8);
            return;
        }

        if (image.BigEndian)
            Swap(block, image.BitsPerSample);
        if (predictor != 2)
            return;
        for (var at = 0; at + rowBytes <= block.Length; at += rowBytes)
            Add(block.Slice(at, rowBytes), samples, image.BitsPerSample);
    }

    private static void Swap(Span<byte> block, int bits)
    {
        switch (bits)
        {
            case 16:
                var words = MemoryMarshal.Cast<byte, ushort>(block);
                BinaryPrimitives.ReverseEndianness(words, words);
                break;
            case 24:
                for (var i = 0; i + 2 < block.Length; i += 3)
                    (block[i], block[i + 2]) = (block[i + 2], block[i]);
                break;
            case 32:
                var whole = MemoryMarshal.Cast<byte, uint>(block);
                BinaryPrimitives.ReverseEndianness(whole, whole);
                break;
            case 64:
                var wide = MemoryMarshal.Cast<byte, ulong>(block);
                BinaryPrimitives.ReverseEndianness(wide, wide);
                break;
        }
    }

    private static void Add(Span<byte> row, int samples, int bits)
    {
        switch (bits)
        {
            case 8:
                for (var i = samples; i < row.Length; i++)
                    row[i] += row[i - samples];
                break;
            case 16:
                var words = MemoryMarshal.Cast<byte, ushort>(row);
                for (var i = samples; i < words.Length; i++)
                    words[i] += words[i - samples];
                break;
            case 32:
                var whole = MemoryMarshal.Cast<byte, uint>(row);
                for (var i = samples; i < whole.Length; i++)
                    whole[i] += whole[i - samples];
                break;
            case 64:
                var wide = MemoryMarshal.Cast<byte, ulong>(row);
                for (var i = samples; i < wide.Length; i++)
                    wide[i] += wide[i - samples];
                break;
        }
    }

    // All highest bytes of a row come first, then all second ones, whatever the byte order of the file.
    private static void AddFloatingPoint(Span<byte> row, Span<byte> scratch, int samples, int bytes)
    {
        for (var i = samples; i < row.Length; i++)
            row[i] += row[i - samples];
        row.CopyTo(scratch);
        var count = row.Length / bytes;
        for (var i = 0; i < count; i++)
        {
            for (var part = 0; part < bytes; part++)
                row[(i * bytes) + part] = scratch[((bytes - 1 - part) * count) + i];
        }
    }
}
