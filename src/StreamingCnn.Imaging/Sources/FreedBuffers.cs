using System.Runtime.InteropServices;

namespace StreamingCnn.Imaging;

/// <summary>Memory of decoders' buffers that the C library holds although they are freed: given back to the system now and then.</summary>
/// <remarks>
/// libvips takes an aligned buffer for every tile that it decodes. glibc before 2.38 does not fit an aligned block into the gap that one of
/// the same size has left (<see href="https://sourceware.org/bugzilla/show_bug.cgi?id=14581">bug 14581</see>), so that resident memory grows
/// with the image: by half a gigabyte for 900 megapixels.
/// </remarks>
internal static unsafe class FreedBuffers
{
    // A trim takes a few milliseconds, decoding as many bytes a few hundred.
    private const long BytesPerTrim = 64 << 20;

    private static readonly Lazy<nint> Trim = new(FindTrim);
    private static long read;

    /// <summary>To be called with the size of each window that libvips has computed.</summary>
    public static void Count(long bytes)
    {
        var now = Interlocked.Add(ref read, bytes);
        if (now / BytesPerTrim != (now - bytes) / BytesPerTrim && Trim.Value is not 0 and var trim)
            ((delegate* unmanaged[Cdecl]<nuint, int>)trim)(0);
    }

    // Other C libraries than glibc have no such function, and give back by themselves.
    private static nint FindTrim() =>
        OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out var library)
            && NativeLibrary.TryGetExport(library, "malloc_trim", out var function)
            ? function
            : 0;
}
