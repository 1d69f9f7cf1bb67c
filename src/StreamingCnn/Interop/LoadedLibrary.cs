using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace StreamingCnn.Interop;

/// <summary>
/// A loaded ELF64 library: the slots through which it calls functions of other ones (its relocations of the kinds JUMP_SLOT
/// and GLOB_DAT; System V ABI), and where its variables lie.
/// </summary>
internal sealed unsafe partial class LoadedLibrary
{
    private const int LoadedSegment = 1;
    private const int DynamicSegment = 2;
    private const int Writable = 2;

    // Tags of the dynamic section.
    private const long PltRelocationBytes = 2;
    private const long Strings = 5;
    private const long Symbols = 6;
    private const long Relocations = 7;
    private const long RelocationBytes = 8;
    private const long PltRelocations = 23;

    // From Linux' mman.h.
    private const int ReadWrite = 3;

    private const int SymbolSize = 24;
    private const int RelocationSize = 24;

    private readonly nuint start;

    private LoadedLibrary(nuint start, string path) => (this.start, Path) = (start, path);

    /// <summary>The library's file.</summary>
    public string Path { get; }

    /// <summary>Finds a library.</summary>
    /// <param name="library">The end of its path.</param>
    /// <returns>Null where none of this name is loaded, or more than one.</returns>
    public static LoadedLibrary? Of(string library)
    {
        var found = new HashSet<(nuint Start, string Path)>();
        foreach (var line in File.ReadLines("/proc/self/maps"))
        {
            var parts = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 6 && parts[5].EndsWith(library, StringComparison.Ordinal) && parts[2].All(digit => digit == '0'))
            {
                var start = parts[0].AsSpan(0, parts[0].IndexOf('-'));
                found.Add((nuint.Parse(start, NumberStyles.HexNumber, CultureInfo.InvariantCulture), parts[5].Trim()));
            }
        }

        return found.Count == 1 ? new LoadedLibrary(found.Single().Start, found.Single().Path) : null;
    }

    /// <summary>The library that has a function.</summary>
    /// <returns>Null where the loader knows none.</returns>
    public static LoadedLibrary? Holding(nint function)
    {
        LoadedObject found = default;
        return dladdr(function, &found) != 0 && found.Start != 0
            ? new LoadedLibrary(found.Start, Marshal.PtrToStringUTF8(found.Path) ?? "")
            : null;
    }

    /// <summary>Makes slots writable. The loader makes a part of them read-only once it has filled them.</summary>
    /// <returns>Whether the system allows it.</returns>
    public static bool Open(IEnumerable<nuint> slots)
    {
        var page = (nuint)Environment.SystemPageSize;
        return slots.All(slot => mprotect(slot / page * page, page, ReadWrite) == 0);
    }

    /// <summary>Puts a function into slots.</summary>
    public static void Set(IEnumerable<nuint> slots, nint function)
    {
        foreach (var slot in slots)
            Volatile.Write(ref *(nint*)slot, function);
    }

    /// <summary>Finds the slots of a function.</summary>
    /// <returns>Addresses of pointers to the function; none where the library does not call it.</returns>
    public IReadOnlyList<nuint> Slots(string function)
    {
        var slots = new List<nuint>();
        var tags = Dynamic();
        if (!tags.TryGetValue(Symbols, out var symbols) || !tags.TryGetValue(Strings, out var strings))
            return slots;
        var name = Encoding.ASCII.GetBytes(function);
        foreach (var (table, bytes) in new[] { (Relocations, RelocationBytes), (PltRelocations, PltRelocationBytes) })
        {
            if (!tags.TryGetValue(table, out var address) || !tags.TryGetValue(bytes, out var length))
                continue;
            for (var entry = (byte*)Address(address); entry < (byte*)Address(address) + length; entry += RelocationSize)
            {
                var kind = *(uint*)(entry + 8);
                var symbol = (byte*)Address(symbols) + ((nuint)(*(uint*)(entry + 12)) * SymbolSize);
                var symbolName = (byte*)Address(strings) + *(uint*)symbol;
                if (IsSlot(kind) && MemoryMarshal.CreateReadOnlySpanFromNullTerminated(symbolName).SequenceEqual(name))
                    slots.Add(start + *(nuint*)entry);
            }
        }

        return slots;
    }

    /// <summary>
    /// Whether an address lies in a library that the loader knows, other than this one: a slot that has not been called yet leads
    /// back into the library itself.
    /// </summary>
    public bool LeadsElsewhere(nint address) => Holding(address) is { } other && other.start != start;

    private static bool IsSlot(uint kind) => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => kind is 6 or 7,
        Architecture.Arm64 => kind is 1025 or 1026,
        _ => false,
    };

    /// <summary>Where the variables lie that the library's file has no values of: pieces of memory, in bytes.</summary>
    public IEnumerable<(nuint Start, nuint Length)> Variables() =>
        from segment in Segments()
        where segment.Kind == LoadedSegment && (segment.Flags & Writable) != 0
        select (start + segment.Address + segment.FileLength, segment.Length - segment.FileLength);

    private Dictionary<long, nuint> Dynamic()
    {
        var tags = new Dictionary<long, nuint>();
        foreach (var segment in Segments().Where(segment => segment.Kind == DynamicSegment))
        {
            for (var entry = (long*)(start + segment.Address); *entry != 0; entry += 2)
                tags.TryAdd(*entry, (nuint)entry[1]);
        }

        return tags;
    }

    private List<Segment> Segments()
    {
        var header = (byte*)start;
        var segments = new List<Segment>();
        for (var i = 0; i < *(ushort*)(header + 0x38); i++)
            segments.Add(*(Segment*)(header + *(long*)(header + 0x20) + (i * *(ushort*)(header + 0x36))));
        return segments;
    }

    /// <summary>The loader has made the addresses absolute in some C libraries, and left them relative in others.</summary>
    private nuint Address(nuint value) => value < start ? start + value : value;

    [LibraryImport("libc")]
    private static partial int dladdr(nint address, LoadedObject* found);

    [LibraryImport("libc")]
    private static partial int mprotect(nuint address, nuint length, int protection);

    // Elf64_Phdr of elf.h.
    [StructLayout(LayoutKind.Sequential)]
    private struct Segment
    {
        public int Kind;
        public int Flags;
        public nuint FileOffset;
        public nuint Address;
        public nuint PhysicalAddress;
        public nuint FileLength;
        public nuint Length;
        public nuint Alignment;
    }

    // Dl_info of dlfcn.h.
    [StructLayout(LayoutKind.Sequential)]
    private struct LoadedObject
    {
        public nint Path;
        public nuint Start;
        public nint SymbolName;
        public nint Symbol;
    }
}
