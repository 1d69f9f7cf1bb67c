using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace StreamingCnn.Interop;

/// <summary>
/// Where libtorch's tensors on a CPU live once a streamed run has begun: a range of addresses of its own, taken from the system once and used again by every tile.
/// </summary>
/// <remarks>
/// <para>
/// The C library's heap as it comes maps every tensor above 32 MB anew, so that the kernel clears its pages at every layer of every tile: up to half of a step's time. Made to keep
/// what is freed, it loses up to half of its memory to gaps between large tensors that small objects keep apart. Here large tensors have no small neighbours, and those that outlive
/// many tiles lie in a range of their own.
/// </para>
/// <para>
/// libtorch's allocator (<c>libc10</c>) is left in place; the two functions of the C library that it calls, <c>posix_memalign</c> and <c>free</c>, are replaced in its table of imports.
/// Where that cannot be done (another system, another C library, <c>STREAMINGCNN_HEAP=system</c>), tensors live where they always did.
/// </para>
/// </remarks>
internal static unsafe partial class TensorHeap
{
    // Smaller ones stay in the C library's heap, which is made for them.
    private const nuint Smallest = 16 << 10;
    private const nuint Page = 4 << 10;
    private const nuint Granularity = 64;
    private const nuint HugePage = 2 << 20;
    private const int OutOfMemory = 12;
    private const int ReadWrite = 3;
    private const int PrivateAnonymousUnreserved = 0x4022;
    private const int HugePages = 14;

    private static readonly string[] Libraries = Environment.GetEnvironmentVariable("ONE") is null ? ["/libc10.so", "/libtorch_cpu.so"] : ["/libc10.so"];
    private static readonly Lock Gate = new();
    private static BlockMap? tiles;
    private static BlockMap? lasting;
    private static nuint start;
    private static nuint half;
    private static delegate* unmanaged[Cdecl]<void**, nuint, nuint, int> systemAllocate;
    private static delegate* unmanaged[Cdecl]<void*, void> systemFree;
    private static bool isTried;

    [ThreadStatic]
    private static int lastingDepth;

    public static bool IsOn => tiles is not null;

    public static (long Taken, long Peak, long Reach) Tiles => (tiles?.Taken ?? 0, tiles?.PeakTaken ?? 0, tiles?.Reach ?? 0);

    public static (long Taken, long Peak, long Reach) LastingOnes => (lasting?.Taken ?? 0, lasting?.PeakTaken ?? 0, lasting?.Reach ?? 0);

    /// <summary>Starts to use the heap, if it can be used here. Further calls do nothing.</summary>
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

    /// <summary>What this thread allocates until the result is disposed outlives many tiles.</summary>
    public static LastingScope Lasting() => new(1);

    private static void Install()
    {
        var allocate = Libraries.SelectMany(library => LibraryImports.Find(library, "posix_memalign")).ToArray();
        var release = Libraries.SelectMany(library => LibraryImports.Find(library, "free")).ToArray();
        if (allocate.Length == 0 || release.Length == 0 || !NativeLibrary.TryLoad("libc.so.6", out var c))
            return;
        systemAllocate = (delegate* unmanaged[Cdecl]<void**, nuint, nuint, int>)NativeLibrary.GetExport(c, "posix_memalign");
        systemFree = (delegate* unmanaged[Cdecl]<void*, void>)NativeLibrary.GetExport(c, "free");
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        half = ((nuint)memory * 4) / HugePage * HugePage;
        var range = mmap(null, 2 * half, ReadWrite, PrivateAnonymousUnreserved, -1, 0);
        if (range == (void*)-1)
            return;
        start = (nuint)range;
        _ = madvise(start, 2 * half, HugePages);
        // The loader makes a part of the table read-only once it has filled it.
        if (release.Concat(allocate).Any(slot => mprotect(slot / Page * Page, Page, ReadWrite) != 0))
            return;
        (tiles, lasting) = (new BlockMap((long)half), new BlockMap((long)half));
        foreach (var slot in release)
            *(void**)slot = (delegate* unmanaged[Cdecl]<void*, void>)&Free;
        foreach (var slot in allocate)
            *(void**)slot = (delegate* unmanaged[Cdecl]<void**, nuint, nuint, int>)&Allocate;
        // Nothing may call into .NET while the process ends.
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            var nothing = NativeLibrary.GetExport(c, "labs");
            foreach (var slot in allocate)
                *(void**)slot = systemAllocate;
            foreach (var slot in release)
                *(nint*)slot = nothing;
        };
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Allocate(void** block, nuint alignment, nuint bytes)
    {
        if (bytes < Smallest || alignment > 64)
            return systemAllocate(block, alignment, bytes);
        var length = (long)((bytes + Granularity - 1) / Granularity * Granularity);
        lock (Gate)
        {
            var isLasting = lastingDepth > 0;
            var position = (isLasting ? lasting! : tiles!).Take(length);
            if (position < 0)
                return OutOfMemory;
            *block = (void*)(start + (isLasting ? half : 0) + (nuint)position);
            return 0;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Free(void* block)
    {
        var position = (nuint)block - start;
        if (position >= 2 * half)
        {
            systemFree(block);
            return;
        }

        lock (Gate)
        {
            if (position < half)
                tiles!.Give((long)position);
            else
                lasting!.Give((long)(position - half));
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial void* mmap(void* address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc")]
    private static partial int mprotect(nuint address, nuint length, int protection);

    [LibraryImport("libc")]
    private static partial int madvise(nuint address, nuint length, int advice);

    /// <summary>Until its disposal, allocations of this thread count as lasting.</summary>
    public readonly ref struct LastingScope
    {
        private readonly int depth;

        internal LastingScope(int depth)
        {
            this.depth = depth;
            lastingDepth += depth;
        }

        /// <summary>Ends it.</summary>
        public void Dispose() => lastingDepth -= depth;
    }
}
