using System.Buffers.Binary;

namespace StreamingCnn.Imaging;

/// <summary>
/// One JPEG or fax block of a TIFF file as a TIFF file of its own, of one strip, in memory: libvips then unpacks it, in whatever layout
/// it lay.
/// </summary>
internal sealed class TiffBlockFile
{
    private const int Header = 8;
    private readonly List<(ushort Tag, uint[] Values, int Size)> tags = [];
    private readonly byte[] block;

    private TiffBlockFile(byte[] block, int width, int height, int samples, int bits, int photometric, TiffDirectory image)
    {
        this.block = block;
        Add(256, 4, (uint)width);
        Add(257, 4, (uint)height);
        Add(258, 2, [.. Enumerable.Repeat((uint)bits, samples)]);
        Add(259, 2, (uint)image.Compression);
        Add(262, 2, (uint)photometric);
        Add(266, 2, (uint)image.FillOrder);
        Add(273, 4, 0);
        Add(277, 2, (uint)samples);
        Add(278, 4, (uint)height);
        Add(279, 4, (uint)block.Length);
        if (image.Compression is 3 or 4)
            Add((ushort)(image.Compression == 3 ? 292 : 293), 4, (uint)image.FaxOptions);
        var colours = photometric is 2 or 6 ? 3 : 1;
        if (samples > colours)
            Add(338, 2, new uint[samples - colours]);
        if (image.JpegTables.Length > 0)
            Add(347, 1, [.. image.JpegTables.Select(value => (uint)value)]);
        if (photometric == 6)
            Add(530, 2, (uint)image.ChromaSubsampling.Across, (uint)image.ChromaSubsampling.Down);
    }

    /// <summary>The file around a block whose codec packs pictures, and not bytes.</summary>
    /// <param name="block">As it lies in the file.</param>
    /// <param name="width">In pixels.</param>
    /// <param name="height">In pixels.</param>
    /// <param name="samples">Samples of a pixel.</param>
    /// <param name="image">The image from which it comes.</param>
    public static byte[] Around(byte[] block, int width, int height, int samples, TiffDirectory image)
    {
        // Three samples of JPEG may be luma and chroma, which libvips turns into colours; all others come as they are, with no meaning.
        var photometric = samples == 3 && image.Photometric is 2 or 6 ? image.Photometric.Value : 1;
        var bits = TiffLayout.IsFax(image) ? 1 : 8;
        return new TiffBlockFile(block, width, height, samples, bits, photometric, image).ToBytes();
    }

    private void Add(ushort tag, int size, params uint[] values) => tags.Add((tag, values, size));

    private byte[] ToBytes()
    {
        var payloads = Header + 2 + (tags.Count * 12) + 4;
        var data = payloads + tags.Sum(tag => tag.Values.Length * tag.Size is var bytes && bytes > 4 ? bytes + (bytes & 1) : 0);
        var file = new byte[data + block.Length];
        "II*\0"u8.CopyTo(file);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(4), Header);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(Header), (ushort)tags.Count);
        var (entry, free) = (Header + 2, payloads);
        foreach (var (tag, values, size) in tags)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(entry), tag);
            BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(entry + 2), (ushort)(size switch { 1 => 7, 2 => 3, _ => 4 }));
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(entry + 4), (uint)values.Length);
            var place = entry + 8;
            if (values.Length * size > 4)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(place), (uint)free);
                place = free;
                free += (values.Length * size) + (values.Length * size & 1);
            }

            foreach (var value in tag == 273 ? [(uint)data] : values)
            {
                Write(file.AsSpan(place, size), value);
                place += size;
            }

            entry += 12;
        }

        block.CopyTo(file.AsSpan(data));
        return file;
    }

    private static void Write(Span<byte> place, uint value)
    {
        switch (place.Length)
        {
            case 1:
                place[0] = (byte)value;
                break;
            case 2:
                BinaryPrimitives.WriteUInt16LittleEndian(place, (ushort)value);
                break;
            default:
                BinaryPrimitives.WriteUInt32LittleEndian(place, value);
                break;
        }
    }
}
