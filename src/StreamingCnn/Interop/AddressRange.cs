using System.Runtime.InteropServices;

namespace StreamingCnn.Interop;

/// <summary>Addresses of this process that hold memory where they have been written to.</summary>
internal sealed unsafe partial class AddressRange
{
    private const nuint HugePage = (nuint)ResidentChunks.Chunk;

    // From Linux' mman.h.
    private const int ReadWrite = 3;
    private const int PrivateAnonymousUnreserved = 0x4022;
    private const int AdviceNotNeeded = 4;
    private const int AdviceHugePages = 14;

    private readonly nuint mapped;

    private AddressRange(nuint mapped, nuint start, nuint length) => (this.mapped, Start, Length) = (mapped, start, length);

    /// <summary>The first address, that of a huge page.</summary>
    public nuint Start { get; }

    /// <summary>How many there are.</summary>
    public nuint Length { get; }

    /// <summary>Takes addresses. They cost nothing.</summary>
    /// <returns>Null where the system does not give as many, as under <c>ulimit -v</c>.</returns>
    public static AddressRange? Reserve(nuint length)
    {
        length = length / HugePage * HugePage;
        var start = mmap(null, length + HugePage, ReadWrite, PrivateAnonymousUnreserved, -1, 0);
        if (start == (void*)-1)
            return null;
        // Whole huge pages begin where their size divides the address.
        var range = new AddressRange((nuint)start, ((nuint)start + HugePage - 1) / HugePage * HugePage, length);
        _ = madvise(range.Start, length, AdviceHugePages);
        return range;
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
    public void Return() => _ = munmap(mapped, Length + HugePage);

    [LibraryImport("libc")]
    private static partial void* mmap(void* address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc")]
    private static partial int munmap(nuint address, nuint length);

    [LibraryImport("libc")]
    private static partial int madvise(nuint address, nuint length, int advice);
}
