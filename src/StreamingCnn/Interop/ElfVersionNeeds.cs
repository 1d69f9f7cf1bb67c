using System.Buffers.Binary;
using System.Text;

namespace StreamingCnn.Interop;

/// <summary>
/// The symbol versions that an ELF64 shared library demands from its dependencies (section <c>.gnu.version_r</c>; System V ABI,
/// Linux Standard Base "Symbol Versioning").
/// </summary>
internal static class ElfVersionNeeds
{
    private const uint SectionTypeVersionNeed = 0x6ffffffe;
    private const ushort FlagWeak = 0x2;

    /// <summary>
    /// Marks the demand for one version as weak, so that the dynamic loader goes on where the version is missing. That is safe
    /// only when no symbol of this version is ever called.
    /// </summary>
    /// <param name="library">The library's bytes; changed in place.</param>
    /// <param name="version">For example <c>GLIBCXX_3.4.32</c>.</param>
    /// <returns>How many demands were marked; 0 when the library has none of this name or is not a little-endian ELF64 file.</returns>
    public static int MarkWeak(Span<byte> library, string version)
    {
        if (library.Length < 64 || !library[..4].SequenceEqual("\u007fELF"u8) || library[4] != 2 || library[5] != 1)
            return 0;

        var sections = (int)BinaryPrimitives.ReadInt64LittleEndian(library[0x28..]);
        int sectionSize = BinaryPrimitives.ReadUInt16LittleEndian(library[0x3a..]);
        int sectionCount = BinaryPrimitives.ReadUInt16LittleEndian(library[0x3c..]);
        var marked = 0;
        for (var i = 0; i < sectionCount; i++)
        {
            var header = library.Slice(sections + i * sectionSize, sectionSize);
            if (BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) != SectionTypeVersionNeed)
                continue;
            var linked = library.Slice(sections + (int)BinaryPrimitives.ReadUInt32LittleEndian(header[0x28..]) * sectionSize, sectionSize);
            var strings = library[(int)BinaryPrimitives.ReadInt64LittleEndian(linked[0x18..])..];
            marked += MarkWeak(library, (int)BinaryPrimitives.ReadInt64LittleEndian(header[0x18..]), strings, version);
        }

        return marked;
    }

    /// <summary>Walks the chain of Verneed records and, below each, its chain of Vernaux records.</summary>
    private static int MarkWeak(Span<byte> library, int need, ReadOnlySpan<byte> strings, string version)
    {
        var marked = 0;
        while (true)
        {
            var entry = need + (int)BinaryPrimitives.ReadUInt32LittleEndian(library[(need + 8)..]);
            while (true)
            {
                var flags = library[(entry + 4)..];
                if (NameAt(strings, BinaryPrimitives.ReadUInt32LittleEndian(library[(entry + 8)..])) == version)
                {
                    BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(flags) | FlagWeak));
                    marked++;
                }

                var nextEntry = (int)BinaryPrimitives.ReadUInt32LittleEndian(library[(entry + 12)..]);
                if (nextEntry == 0)
                    break;
                entry += nextEntry;
            }

            var nextNeed = (int)BinaryPrimitives.ReadUInt32LittleEndian(library[(need + 12)..]);
            if (nextNeed == 0)
                return marked;
            need += nextNeed;
        }
    }

    private static string NameAt(ReadOnlySpan<byte> strings, uint offset)
    {
        var name = strings[(int)offset..];
        return Encoding.ASCII.GetString(name[..name.IndexOf((byte)0)]);
    }
}
