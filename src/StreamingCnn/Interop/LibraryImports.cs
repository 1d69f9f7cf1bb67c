using System.Runtime.InteropServices;
using System.Text;

namespace StreamingCnn.Interop;

/// <summary>
/// The slots through which a loaded ELF64 library calls a function of another one (its relocations of the kinds JUMP_SLOT and GLOB_DAT; System V ABI).
/// </summary>
internal static unsafe class LibraryImports
{
    private const int DynamicSegment = 2;

    // Tags of the dynamic section.
    private const long PltRelocationBytes = 2;
    private const long Strings = 5;
    private const long Symbols = 6;
    private const long Relocations = 7;
    private const long RelocationBytes = 8;
    private const long PltRelocations = 23;

    private const int SymbolSize = 24;
    private const int RelocationSize = 24;

    /// <summary>Finds the slots.</summary>
    /// <param name="library">Part of the path of a library that is loaded.</param>
    /// <param name="function">The function.</param>
    /// <returns>Addresses of pointers to the function; none where the library is not loaded or does not call it.</returns>
    public static IReadOnlyList<nuint> Find(string library, string function)
    {
        var slots = new List<nuint>();
        if (Start(library) is not { } start)
            return slots;
        var tags = Dynamic(start);
        if (!tags.TryGetValue(Symbols, out var symbols) || !tags.TryGetValue(Strings, out var strings))
            return slots;
        var name = Encoding.ASCII.GetBytes(function);
        foreach (var (table, bytes) in new[] { (Relocations, RelocationBytes), (PltRelocations, PltRelocationBytes) })
        {
            if (!tags.TryGetValue(table, out var address) || !tags.TryGetValue(bytes, out var length))
                continue;
            for (var entry = (byte*)Address(start, address); entry < (byte*)Address(start, address) + length; entry += RelocationSize)
            {
                var kind = *(uint*)(entry + 8);
                var symbol = (byte*)Address(start, symbols) + ((nuint)(*(uint*)(entry + 12)) * SymbolSize);
                if (IsSlot(kind) && MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)Address(start, strings) + *(uint*)symbol).SequenceEqual(name))
                    slots.Add(start + *(nuint*)entry);
            }
        }

        return slots;
    }

    private static bool IsSlot(uint kind) => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => kind is 6 or 7,
        Architecture.Arm64 => kind is 1025 or 1026,
        _ => false,
    };

    /// <summary>Where the library's file begins in memory.</summary>
    private static nuint? Start(string library)
    {
        foreach (var line in File.ReadLines("/proc/self/maps"))
        {
            var parts = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 6 && parts[5].EndsWith(library, StringComparison.Ordinal) && parts[2].All(digit => digit == '0'))
                return nuint.Parse(parts[0][..parts[0].IndexOf('-')], System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture);
        }

        return null;
    }

    private static Dictionary<long, nuint> Dynamic(nuint start)
    {
        var header = (byte*)start;
        var tags = new Dictionary<long, nuint>();
        for (var i = 0; i < *(ushort*)(header + 0x38); i++)
        {
            var segment = header + *(long*)(header + 0x20) + (i * *(ushort*)(header + 0x36));
            if (*(int*)segment != DynamicSegment)
                continue;
            for (var entry = (long*)(start + *(nuint*)(segment + 0x10)); *entry != 0; entry += 2)
                tags.TryAdd(*entry, (nuint)entry[1]);
        }

        return tags;
    }

    /// <summary>The loader has made the addresses absolute in some C libraries, and left them relative in others.</summary>
    private static nuint Address(nuint start, nuint value) => value < start ? start + value : value;
}
