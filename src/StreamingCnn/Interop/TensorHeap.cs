using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace StreamingCnn.Interop;

/// <summary>
/// Where libtorch's tensors on a CPU live once a streamed run has begun: a range of addresses of its own, taken from the system once and used again by every tile.
/// </summary>
/// <remarks>
/// <para>
/// The C library's heap as it comes maps every tensor above 32 MB anew, so that the kernel clears its pages at every layer of every tile: up to half of a step's time. Made to keep
/// what is freed, it loses up to half of its memory to gaps between large tensors, which small objects keep apart. Here large tensors have no small neighbours, and those that outlive
/// many tiles lie in a range of their own, so that about a tenth is lost.
/// </para>
/// <para>
/// libtorch's own allocator (<c>libc10</c>) stays in place; the two functions of the C library that it calls, <c>posix_memalign</c> and <c>free</c>, are replaced in its table of
/// imports. Where that cannot be done (another system, another C library, <c>STREAMINGCNN_HEAP=system</c>), tensors live where they always did.
/// </para>
/// </remarks>
internal static unsafe partial class TensorHeap
{
    private const string Library = "/libc10.so";
    private const string C = "libc";

    // Smaller blocks stay in the C library's heap, which is made for them.
    private const nuint Smallest = 16 << 10;

    // libtorch asks for this alignment. Whole pages would put all tensors on the same lines of the processor's caches.
    private const nuint Alignment = 64;
    private const nuint Page = 4 << 10;
    private const nuint HugePage = 2 << 20;

    // Addresses cost nothing; gaps must never be a reason to fail.
    private const nuint RangesPerMemory = 4;

    // From Linux' errno.h and mman.h.
    private const int OutOfMemory = 12;
    private const int ReadWrite = 3;
    private const int PrivateAnonymousUnreserved = 0x4022;
    private const int AdviceNotNeeded = 4;
    private const int AdviceHugePages = 14;

    private static readonly Lock Gate = new();
    private static bool isTried;
    private static nuint start;
    private static nuint half;
    private static long most;
    private static BlockMap? passing;
    private static BlockMap? lasting;
    private static delegate* unmanaged[Cdecl]<void**, nuint, nuint, int> systemAllocate;
    private static delegate* unmanaged[Cdecl]<void*, void> systemFree;

    [ThreadStatic]
    private static int lastingDepth;

    /// <summary>Blocks of tensors that come and go with a tile; null where the heap is not used.</summary>
    public static BlockMap? Passing => passing;

    /// <summary>Starts to use the heap for tensors to come, if it can be used here. Further calls do nothing.</summary>
    public static void Begin()
    {
        lock (Gate)
        {
            if (isTried)
                return;
            isTried = true;
            if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable(NativeCompatibility.HeapVariable) != "system")
                Install();
        }
    }

    /// <summary>Whether an address is one of the heap's.</summary>
    public static bool Holds(long address) => (nuint)address - start < 2 * half;

    /// <summary>Until the result is disposed, what this thread allocates counts as outliving many tiles.</summary>
    public static LastingScope Lasting() => new(depth: ++lastingDepth);

    /// <summary>Gives the memory of all gaps back to the system.</summary>
    public static void Trim()
    {
        lock (Gate)
        {
            Trim(passing, start);
            Trim(lasting, start + half);
        }
    }

    private static void Trim(BlockMap? map, nuint origin)
    {
        foreach (var (from, to) in map?.Gaps ?? [])
        {
            var first = (origin + (nuint)from + Page - 1) / Page * Page;
            var end = (origin + (nuint)Math.Min(to, map!.Reach)) / Page * Page;
            if (end > first)
                _ = madvise(first, end - first, AdviceNotNeeded);
        }
    }

    private static void Install()
    {
        var allocate = LibraryImports.Find(Library, "posix_memalign");
        var release = LibraryImports.Find(Library, "free");
        if (allocate.Count == 0 || release.Count == 0 || !NativeLibrary.TryLoad("libc.so.6", out var c))
            return;
        systemAllocate = (delegate* unmanaged[Cdecl]<void**, nuint, nuint, int>)NativeLibrary.GetExport(c, "posix_memalign");
        systemFree = (delegate* unmanaged[Cdecl]<void*, void>)NativeLibrary.GetExport(c, "free");

        most = MemoryBytes("MemTotal:") + MemoryBytes("SwapTotal:");
        half = (nuint)most / HugePage * HugePage * RangesPerMemory;
        var range = mmap(null, 2 * half, ReadWrite, PrivateAnonymousUnreserved, -1, 0);
        if (range == (void*)-1)
            return;
        start = (nuint)range;
        _ = madvise(start, 2 * half, AdviceHugePages);

        // The loader makes a part of the table read-only once it has filled it.
        if (release.Concat(allocate).Any(slot => mprotect(slot / Page * Page, Page, ReadWrite) != 0))
            return;
        (passing, lasting) = (new BlockMap((long)half), new BlockMap((long)half));
        // First the one that understands both kinds of blocks.
        Set(release, (nint)(delegate* unmanaged[Cdecl]<void*, void>)&Free);
        Set(allocate, (nint)(delegate* unmanaged[Cdecl]<void**, nuint, nuint, int>)&Allocate);

        // Nothing may call into .NET once it has ended; what libtorch frees after that, the system frees with the process.
        var doesNothing = NativeLibrary.GetExport(c, "labs");
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            Set(allocate, (nint)systemAllocate);
            Set(release, doesNothing);
        };
    }

    private static void Set(IEnumerable<nuint> slots, nint function)
    {
        foreach (var slot in slots)
            Volatile.Write(ref *(nint*)slot, function);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Allocate(void** block, nuint alignment, nuint bytes)
    {
        if (bytes < Smallest || alignment > Alignment)
            return systemAllocate(block, alignment, bytes);
        if (bytes > half)
            return OutOfMemory;
        var length = (long)((bytes + Alignment - 1) / Alignment * Alignment);
        lock (Gate)
        {
            // Better an error now than a process that the system kills later.
            var position = passing!.Taken + lasting!.Taken + length > most ? -1 : (lastingDepth > 0 ? lasting : passing).Take(length);
            if (position < 0)
                return OutOfMemory;
            *block = (void*)(start + (lastingDepth > 0 ? half : 0) + (nuint)position);
            return 0;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Free(void* block)
    {
        if (!Holds((long)block))
        {
            systemFree(block);
            return;
        }

        var position = (nuint)block - start;

        lock (Gate)
        {
            if (position < half)
                passing!.Give((long)position);
            else
                lasting!.Give((long)(position - half));
        }
    }

    private static long MemoryBytes(string key)
    {
        var line = File.ReadLines("/proc/meminfo").FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line[key.Length..].Replace("kB", "", StringComparison.Ordinal), System.Globalization.CultureInfo.InvariantCulture) << 10;
    }

    [LibraryImport(C)]
    private static partial void* mmap(void* address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport(C)]
    private static partial int mprotect(nuint address, nuint length, int protection);

    [LibraryImport(C)]
    private static partial int madvise(nuint address, nuint length, int advice);

    /// <summary>Ends what <see cref="Lasting"/> began.</summary>
    public readonly ref struct LastingScope(int depth)
    {
        /// <summary>Tensors come and go again.</summary>
        public void Dispose() => lastingDepth = Math.Max(0, depth - 1);
    }
}
