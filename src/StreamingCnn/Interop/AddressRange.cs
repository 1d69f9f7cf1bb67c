using System.Runtime.InteropServices;

namespace StreamingCnn.Interop;

/// <summary>Addresses of this process that hold memory where they have been written to.</summary>
internal sealed unsafe partial class AddressRange
{
    private const nuint HugePage = 2 << 20;

    // From Linux' mman.h.
    private const int ReadWrite = 3;
    private const int PrivateAnonymousUnreserved = 0x4022;
    private const int AdviceNotNeeded = 4;
    private const int AdviceHugePages = 14;

    private AddressRange(nuint start, nuint length) => (Start, Length) = (start, length);

    /// <summary>The first address.</summary>
    public nuint Start { get; }

    /// <summary>How many there are.</summary>
    public nuint Length { get; }

    /// <summary>Takes addresses. They cost nothing.</summary>
    /// <returns>Null where the system does not give as many, as under <c>ulimit -v</c>.</returns>
    public static AddressRange? Reserve(nuint length)
    {
        length = length / HugePage * HugePage;
        var start = mmap(null, length, ReadWrite, PrivateAnonymousUnreserved, -1, 0);
        if (start == (void*)-1)
            return null;
        _ = madvise((nuint)start, length, AdviceHugePages);
        return new AddressRange((nuint)start, length);
    }

    /// <summary>Gives the memory of whole pages back to the system, but not their addresses.</summary>
    /// <param name="from">From the start of the range.</param>
    /// <param name="to">One past the end.</param>
    public void Empty(long from, long to)
    {
        var page = (nuint)Environment.SystemPageSize;
        var first = (Start + (nuint)from + page - 1) / page * page;
        var end = (Start + (nuint)to) / page * page;
        if (end > first)
            _ = madvise(first, end - first, AdviceNotNeeded);
    }

    /// <summary>Gives the addresses back.</summary>
    public void Return() => _ = munmap(Start, Length);

    [LibraryImport("libc")]
    private static partial void* mmap(void* address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc")]
    private static partial int munmap(nuint address, nuint length);

    [LibraryImport("libc")]
    private static partial int madvise(nuint address, nuint length, int advice);
}
