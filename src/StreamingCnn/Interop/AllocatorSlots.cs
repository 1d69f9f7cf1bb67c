using System.Runtime.InteropServices;

namespace StreamingCnn.Interop;

/// <summary>
/// The two functions by which libtorch's allocator (<c>libc10</c>) gets memory for tensors and gives it back: those of the
/// C library, or of an allocator that has been put before it (jemalloc, tcmalloc, mimalloc). They can be replaced; whoever
/// does so passes on to them what is not its own.
/// </summary>
internal sealed unsafe class AllocatorSlots
{
    private const string Library = "/libc10.so";

    // c10::alloc_cpu(size_t) and c10::free_cpu(void*), as the Itanium C++ ABI names them.
    private const string AllocateSymbol = "_ZN3c109alloc_cpuEm";
    private const string ReleaseSymbol = "_ZN3c108free_cpuEPv";

    private readonly IReadOnlyList<nuint> allocateSlots;
    private readonly IReadOnlyList<nuint> releaseSlots;

    private AllocatorSlots(LibraryImports imports)
    {
        allocateSlots = imports.Slots("posix_memalign");
        releaseSlots = imports.Slots("free");
        Allocate = Standing(imports, allocateSlots);
        Release = Standing(imports, releaseSlots);
    }

    /// <summary><c>posix_memalign</c>, whosever it is.</summary>
    public nint Allocate { get; }

    /// <summary><c>free</c>, whosever it is.</summary>
    public nint Release { get; }

    /// <summary>Finds the slots.</summary>
    /// <returns>
    /// Null where anything is not as it is known: no or several libtorch, another build of it, slots that differ or that
    /// already hold something that no loader has put there.
    /// </returns>
    public static AllocatorSlots? Find()
    {
        if (LibraryImports.Of(Library) is not { } imports
            || !NativeLibrary.TryLoad(imports.Path, out var library)
            || !NativeLibrary.TryGetExport(library, AllocateSymbol, out var allocate)
            || !NativeLibrary.TryGetExport(library, ReleaseSymbol, out var release))
        {
            return null;
        }

        // The loader fills a slot when it is called for the first time.
        ((delegate* unmanaged[Cdecl]<void*, void>)release)(((delegate* unmanaged[Cdecl]<nuint, void*>)allocate)(1));
        var slots = new AllocatorSlots(imports);
        return slots.Allocate == 0 || slots.Release == 0 ? null : slots;
    }

    /// <summary>Makes the slots writable.</summary>
    /// <returns>Whether the system allows it.</returns>
    public bool Open() => LibraryImports.Open(releaseSlots.Concat(allocateSlots));

    /// <summary>Replaces both functions.</summary>
    /// <param name="allocation">In place of <c>posix_memalign</c>.</param>
    /// <param name="releasing">In place of <c>free</c>; must take the blocks of both.</param>
    public void Replace(nint allocation, nint releasing)
    {
        LibraryImports.Set(releaseSlots, releasing);
        LibraryImports.Set(allocateSlots, allocation);
    }

    /// <summary>Ends the allocation by another function.</summary>
    /// <param name="releasing">In place of <c>free</c>, from now on.</param>
    public void Return(nint releasing)
    {
        LibraryImports.Set(allocateSlots, Allocate);
        LibraryImports.Set(releaseSlots, releasing);
    }

    private static nint Standing(LibraryImports imports, IReadOnlyList<nuint> slots)
    {
        var functions = slots.Select(slot => *(nint*)slot).Distinct().ToList();
        return functions.Count == 1 && imports.LeadsElsewhere(functions[0]) ? functions[0] : 0;
    }
}
