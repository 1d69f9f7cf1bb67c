using System.Buffers.Binary;
using System.Text;

namespace StreamingCnn.Imaging;

/// <summary>Families of files that are read in different ways.</summary>
internal enum FileKind
{
    Unknown,
    Tiff,
    Jpeg,
    Photograph,
    Numpy,
    Jpeg2000,
}

/// <summary>Tells file formats by their first bytes, since extensions lie.</summary>
internal static class FileSignature
{
    /// <summary>The family of a file that starts with these bytes.</summary>
    public static FileKind Of(ReadOnlySpan<byte> head)
    {
        if (head.Length >= 4 && (head[..4].SequenceEqual("II*\0"u8) || head[..4].SequenceEqual("II+\0"u8)
            || head[..4].SequenceEqual("MM\0*"u8) || head[..4].SequenceEqual("MM\0+"u8)))
        {
            return FileKind.Tiff;
        }

        if (head.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8, 0xff]))
            return FileKind.Jpeg;
        if (head.Length > 6 && head[0] == 0x93 && head[1..6].SequenceEqual("NUMPY"u8))
            return FileKind.Numpy;
        if (head.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G'])
            || (head.Length >= 12 && head[..4].SequenceEqual("RIFF"u8) && head[8..12].SequenceEqual("WEBP"u8))
            || (head.Length >= 12 && head[4..8].SequenceEqual("ftyp"u8))
            || head.StartsWith("GIF8"u8))
        {
            return FileKind.Photograph;
        }

        return Jpeg2000File.IsOne(head) ? FileKind.Jpeg2000 : FileKind.Unknown;
    }

    /// <summary>
    /// What a file is that starts with these bytes, and what makes it readable, or null where it is of no known format
    /// that is not read.
    /// </summary>
    public static string? HowToConvert(ReadOnlySpan<byte> head)
    {
        if (head.Length >= 132 && head[128..132].SequenceEqual("DICM"u8))
        {
            var found = OpenSlideNative.Available ? $"OpenSlide {OpenSlideNative.Version}" : "no OpenSlide";
            return "this is a DICOM file, which is read where it is a slide and OpenSlide 4 or later is installed "
                + $"(there is {found} here; macOS: brew install openslide, conda: conda install -c conda-forge openslide); "
                + "convert a single image with 'dcmj2pnm +on IN OUT.png' (Debian and Ubuntu: apt-get install dcmtk).";
        }

        if ((head.Length >= 12 && head[4..8].SequenceEqual("JXL "u8)) || head.StartsWith((ReadOnlySpan<byte>)[0xff, 0x0a]))
        {
            return "this is a JPEG XL image, which is not read; convert it with 'djxl IN OUT.png' "
                + "(Debian and Ubuntu: apt-get install libjxl-tools).";
        }

        return null;
    }

    /// <summary>Width and height that a PNG claims, or null for other files.</summary>
    public static (long Width, long Height, int BitsPerPixel)? PngClaim(ReadOnlySpan<byte> head)
    {
        if (head.Length < 29 || head[0] != 0x89 || !head[12..16].SequenceEqual("IHDR"u8))
            return null;
        var samples = head[25] switch { 2 => 3, 4 => 2, 6 => 4, _ => 1 };
        return (BinaryPrimitives.ReadUInt32BigEndian(head[16..]), BinaryPrimitives.ReadUInt32BigEndian(head[20..]), samples * head[24]);
    }

    /// <summary>Whether a PNG or GIF begins so that has a table of colours.</summary>
    public static bool HasColourTable(ReadOnlySpan<byte> head) =>
        head.StartsWith("GIF8"u8) || (PngClaim(head) is not null && head[25] == 3);

    /// <summary>The largest sample of a grey PNG of fewer than 8 bits; null for all others.</summary>
    public static int? LargestOfFewBits(ReadOnlySpan<byte> head) =>
        PngClaim(head) is not null && head[25] == 0 && head[24] is 1 or 2 or 4 ? (1 << head[24]) - 1 : null;

    /// <summary>Whether the bytes are printable text.</summary>
    public static bool LooksLikeText(ReadOnlySpan<byte> head)
    {
        foreach (var value in head)
        {
            if (value < 32 && value is not (9 or 10 or 13))
                return false;
        }

        return Encoding.UTF8.GetCharCount(head) > 0;
    }
}
