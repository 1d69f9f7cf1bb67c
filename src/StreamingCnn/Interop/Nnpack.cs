using System.Runtime.InteropServices;

namespace StreamingCnn.Interop;

/// <summary>
/// libtorch's switch for NNPACK, which TorchSharp does not wrap. On one thread libtorch asks for NNPACK at every small convolution, and where NNPACK does not know the processor each
/// asking writes the warning "Could not initialize NNPACK! Reason: Unsupported hardware.": hundreds of lines for an image. It would be used for batches of 16 and more only,
/// so an image that is streamed computes the same without it.
/// </summary>
internal static class Nnpack
{
    // at::globalContext() and at::Context::setUserEnabledNNPACK(bool), as GCC and Clang write them.
    private const string GlobalContext = "_ZN2at13globalContextEv";
    private const string SetUserEnabled = "_ZN2at7Context20setUserEnabledNNPACKEb";

    /// <summary>Tells libtorch not to ask for NNPACK. Does nothing where the library has no such switch.</summary>
    /// <param name="torch">Handle of libtorch_cpu.</param>
    public static unsafe void Disable(nint torch)
    {
        if (!NativeLibrary.TryGetExport(torch, GlobalContext, out var context) || !NativeLibrary.TryGetExport(torch, SetUserEnabled, out var set))
            return;
        ((delegate* unmanaged<nint, byte, void>)set)(((delegate* unmanaged<nint>)context)(), 0);
    }
}
