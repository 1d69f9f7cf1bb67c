using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace StreamingCnn.Interop;

/// <summary>
/// Where libtorch's tensors on a CPU live once a streamed run has begun: a range of addresses of its own, taken from the system once and
/// used again by every tile.
/// </summary>
/// <remarks>
/// <para>
/// The C library's heap as it comes maps every tensor above 32 MB anew, so that the kernel clears its pages at every layer of every tile:
/// up to half of a step's time. Made to keep what is freed, it loses up to half of its memory to gaps between large tensors, which small
/// objects keep apart. Here large tensors have no small neighbours, those that outlive many tiles lie in a range of their own, and gaps are
/// given back before they bring a run above what it takes.
/// </para>
/// <para>
/// libtorch's own allocator (<c>libc10</c>) stays in place; the two functions that it calls, <c>posix_memalign</c> and
/// <c>free</c>, are replaced in its table of imports. What is not the heap's goes on to those that stood there. Where that
/// cannot be done (another system, anything unknown, <c>STREAMINGCNN_HEAP=system</c>), tensors live where they always did.
/// </para>
/// <para>
/// A process has one heap, however many copies of this library it has loaded: the first to begin offers it to the others. The
/// heap's functions are called as long as tensors live, so a load context whose copy made the heap is never unloaded.
/// </para>
/// </remarks>
internal static unsafe class TensorHeap
{
    // Smaller blocks stay in the heap that was there, which is made for them.
    private const nuint Smallest = 16 << 10;

    // libtorch asks for this alignment. Whole pages would put all tensors on the same lines of the processor's caches.
    private const nuint Alignment = 64;

    // Addresses cost nothing; gaps must never be a reason to fail.
    private const nuint RangesPerMemory = 4;

    // From Linux' errno.h.
    private const int OutOfMemory = 12;

    private static readonly Lock Gate = new();
    private static bool isTried;
    private static HeapOffer? other;
    private static nuint start;
    private static nuint half;
    private static AddressRange? range;
    private static long most;
    private static HeapSpace? space;
    private static delegate* unmanaged[Cdecl]<void**, nuint, nuint, int> systemAllocate;
    private static delegate* unmanaged[Cdecl]<void*, void> systemFree;

    [ThreadStatic]
    private static int lastingDepth;

    /// <summary>Blocks of tensors that come and go with a tile; null where there is no heap, or it is another copy's.</summary>
    public static BlockMap? Passing => space?.Passing;

    /// <summary>Whether the process has a heap.</summary>
    public static bool IsUsed => range is not null || other is not null;

    /// <summary>Starts to use the heap for tensors to come, if it can be used here. Further calls do nothing.</summary>
    public static void Begin()
    {
        lock (Gate)
        {
            if (isTried)
                return;
            isTried = true;
            if (OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable(NativeCompatibility.HeapVariable) != "system")
                other = HeapOffer.TakeOrMake(() => Install() ? new HeapOffer(Deepen, TrimOwn, HoldsOwn, ExpectOwn) : null);
        }
    }

    /// <summary>Whether an address is one of the heap's.</summary>
    public static bool Holds(long address) => other?.Holds(address) ?? HoldsOwn(address);

    /// <summary>Until the result is disposed, what this thread allocates counts as outliving many tiles.</summary>
    public static LastingScope Lasting()
    {
        (other?.Deepen ?? Deepen)(true);
        return new(begun: true);
    }

    /// <summary>
    /// A run begins or ends: while it goes on, gaps are emptied before resident memory outgrows what all runs take besides what was
    /// there when they began.
    /// </summary>
    /// <param name="bytes">What the run takes at most.</param>
    /// <param name="begins">Whether it begins; every run that has begun ends with the same number.</param>
    public static void Expect(long bytes, bool begins) => (other?.Expect ?? ExpectOwn)(bytes, begins);

    /// <summary>Gives the memory of all gaps back to the system.</summary>
    public static void Trim() => (other?.Trim ?? TrimOwn)();

    private static bool HoldsOwn(long address) => (nuint)address - start < 2 * half;

    private static void Deepen(bool more) => lastingDepth = Math.Max(0, lastingDepth + (more ? 1 : -1));

    private static void TrimOwn()
    {
        lock (Gate)
            space?.Trim();
    }

    private static void ExpectOwn(long bytes, bool begins)
    {
        lock (Gate)
        {
            if (begins)
                space?.Begin(bytes);
            else
                space?.End(bytes);
        }
    }

    private static bool Install()
    {
        if (AllocatorSlots.Find() is not { } slots
            || !NativeLibrary.TryLoad("libc.so.6", out var c)
            || !NativeLibrary.TryGetExport(c, "labs", out var doesNothing))
        {
            return false;
        }

        most = MemoryBytes("MemTotal:") + MemoryBytes("SwapTotal:");
        if (AddressRange.Reserve(2 * RangesPerMemory * (nuint)most) is not { } reserved)
            return false;
        if (!slots.Open())
        {
            reserved.Return();
            return false;
        }

        (range, start) = (reserved, reserved.Start);
        half = reserved.Length / 2 / (nuint)ResidentChunks.Chunk * (nuint)ResidentChunks.Chunk;
        space = new HeapSpace((long)half, reserved.Empty);
        systemAllocate = (delegate* unmanaged[Cdecl]<void**, nuint, nuint, int>)slots.Allocate;
        systemFree = (delegate* unmanaged[Cdecl]<void*, void>)slots.Release;
        slots.Replace(
            (nint)(delegate* unmanaged[Cdecl]<void**, nuint, nuint, int>)&Allocate,
            (nint)(delegate* unmanaged[Cdecl]<void*, void>)&Free);

        // Nothing may call into .NET once it has ended; what libtorch frees after that, the system frees with the process.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => slots.Return(doesNothing);
        return true;
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
            var position = space!.Taken + length > most ? -1 : space.Take(length, lastingDepth > 0);
            if (position < 0)
                return OutOfMemory;
            *block = (void*)(start + (nuint)position);
            return 0;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Free(void* block)
    {
        if (!HoldsOwn((long)block))
        {
            systemFree(block);
            return;
        }

        lock (Gate)
            space!.Give((long)((nuint)block - start));
    }

    private static long MemoryBytes(string key)
    {
        var line = File.ReadLines("/proc/meminfo").FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal));
        return line is null
            ? 0
            : long.Parse(line[key.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) << 10;
    }

    /// <summary>Ends what <see cref="Lasting"/> began.</summary>
    public readonly ref struct LastingScope(bool begun)
    {
        /// <summary>Tensors come and go again.</summary>
        public void Dispose()
        {
            if (begun)
                (other?.Deepen ?? Deepen)(false);
        }
    }
}
