using System.Runtime.InteropServices;

namespace StreamingCnn.Interop;

/// <summary>
/// The C library's heap, from which libtorch takes the tensors of a CPU. As it comes, glibc maps every tensor above 32 MB anew and unmaps it at its end, so that the kernel
/// clears all its pages at every layer of every tile; a step then spends up to half of its time on that. Here the heap keeps what is freed for the next layer, and is
/// backed by pages of 2 MiB where the system grants them.
/// </summary>
/// <remarks>Does nothing on systems whose C library is not glibc, and in processes that replace its allocator.</remarks>
internal static unsafe partial class NativeHeap
{
    private const string C = "libc";

    // The numbers of mallopt's parameters and of the advice, from glibc's malloc.h and Linux' mman.h.
    private const int TrimThreshold = -1;
    private const int MappedMost = -4;
    private const int ArenasMost = -8;
    private const int HugePages = 14;
    private const nuint HugePage = 2 << 20;

    private static bool isReady;
    private static bool keepsFreed;

    /// <summary>
    /// Lets all threads share one heap, which can hold tensors of any size: those of threads that come later would end at 64 MB. To be called early in the process.
    /// </summary>
    public static void Prepare()
    {
        if (isReady || Environment.GetEnvironmentVariable(NativeCompatibility.HeapVariable) == "system")
            return;
        try
        {
            isReady = OperatingSystem.IsLinux() && gnu_get_libc_version() != 0 && mallopt(ArenasMost, 1) == 1;
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library.
        }
    }

    /// <summary>Makes the heap keep freed memory from now on, and asks for large pages for the bytes that a run is going to use.</summary>
    /// <param name="bytes">About how much a run will allocate.</param>
    public static void Expect(long bytes)
    {
        if (!isReady)
            return;
        if (!keepsFreed)
        {
            _ = mallopt(MappedMost, 0);
            _ = mallopt(TrimThreshold, int.MaxValue);
            keepsFreed = true;
        }

        // Taking and freeing the block extends the heap without touching a page; the advice then stands for whatever the run puts there.
        var block = malloc((nuint)bytes);
        if (block == 0)
            return;
        var start = (block + HugePage - 1) / HugePage * HugePage;
        var end = (block + (nuint)bytes) / HugePage * HugePage;
        if (end > start)
            _ = madvise(start, end - start, HugePages);
        free(block);
    }

    [LibraryImport(C)]
    private static partial int mallopt(int parameter, int value);

    [LibraryImport(C)]
    private static partial nuint malloc(nuint bytes);

    [LibraryImport(C)]
    private static partial void free(nuint block);

    [LibraryImport(C)]
    private static partial int madvise(nuint address, nuint length, int advice);

    [LibraryImport(C)]
    private static partial nuint gnu_get_libc_version();
}
