using System.Runtime.InteropServices;

namespace StreamingCnn.Interop;

/// <summary>
/// Makes TorchSharp's native library give memory back without saying how much it is. TorchSharp 0.107 frees the arrays of a
/// script's arguments and results as if they had one element each. The C library does not look at the size; jemalloc believes
/// it, and some time later the process ends.
/// </summary>
internal static class SizedDelete
{
    // operator delete(void*, size_t) and operator delete(void*), as the Itanium C++ ABI names them.
    private const string Sized = "_ZdlPvm";
    private const string Unsized = "_ZdlPv";
    private const string AnyFunction = "THSJIT_FreeTensorOrScalarArray";

    /// <summary>Replaces the one by the other. To be called before the library is used; does nothing where it is another one.</summary>
    /// <param name="torchSharp">Handle of libLibTorchSharp.</param>
    public static void Disable(IntPtr torchSharp)
    {
        // The program's own scope first, as the loader looks: whatever has been put before the C++ library is there.
        if (NativeLibrary.TryGetExport(torchSharp, AnyFunction, out var function)
            && LoadedLibrary.Holding(function)?.Slots(Sized) is { Count: > 0 } slots
            && (NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), Unsized, out var unsized)
                || (NativeLibrary.TryLoad("libstdc++.so.6", out var library) && NativeLibrary.TryGetExport(library, Unsized, out unsized)))
            && LoadedLibrary.Open(slots))
        {
            LoadedLibrary.Set(slots, unsized);
        }
    }
}
