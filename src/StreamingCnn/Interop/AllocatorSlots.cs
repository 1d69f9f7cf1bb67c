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

    private AllocatorSlots(LoadedLibrary library)
    {
        allocateSlots = library.Slots("posix_memalign");
        releaseSlots = library.Slots("free");
        Allocate = Standing(library, allocateSlots);
        Release = Standing(library, releaseSlots);
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
        if (LoadedLibrary.Of(Library) is not { } library
            || !NativeLibrary.TryLoad(library.Path, out var handle)
            || !NativeLibrary.TryGetExport(handle, AllocateSymbol, out var allocate)
            || !NativeLibrary.TryGetExport(handle, ReleaseSymbol, out var release))
        {
            return null;
        }

        // The loader fills a slot when it is called for the first time.
        ((delegate* unmanaged[Cdecl]<void*, void>)release)(((delegate* unmanaged[Cdecl]<nuint, void*>)allocate)(1));
        var slots = new AllocatorSlots(library);
        return slots.Allocate == 0 || slots.Release == 0 ? null : slots;
    }

    /// <summary>Makes the slots writable.</summary>
    /// <returns>Whether the system allows it.</returns>
    public bool Open() => LoadedLibrary.Open(releaseSlots.Concat(allocateSlots));

    /// <summary>Replaces both functions.</summary>
    /// <param name="allocation">In place of <c>posix_memalign</c>.</param>
    /// <param name="releasing">In place of <c>free</c>; must take the blocks of both.</param>
    public void Replace(nint allocation, nint releasing)
    {
        LoadedLibrary.Set(releaseSlots, releasing);
        LoadedLibrary.Set(allocateSlots, allocation);
    }

    /// <summary>Ends the allocation by another function.</summary>
    /// <param name="releasing">In place of <c>free</c>, from now on.</param>
    public void Return(nint releasing)
    {
        LoadedLibrary.Set(allocateSlots, Allocate);
        LoadedLibrary.Set(releaseSlots, releasing);
    }

    private static nint Standing(LoadedLibrary library, IReadOnlyList<nuint> slots)
    {
        var functions = slots.Select(slot => *(nint*)slot).Distinct().ToList();
        return functions.Count == 1 && library.LeadsElsewhere(functions[0]) ? functions[0] : 0;
    }
}
