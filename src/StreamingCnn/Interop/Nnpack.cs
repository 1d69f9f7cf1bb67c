using System.Runtime.InteropServices;

namespace StreamingCnn.Interop;

/// <summary>
/// Switches off NNPACK, an old accelerator of float32 convolutions that libtorch asks for where oneDNN does not serve (float64, for one).
/// On processors that it does not know, libtorch would print a warning at every convolution; where it knows them, results differ by
/// rounding only.
/// </summary>
internal static unsafe class Nnpack
{
    // at::globalContext() and at::Context::setUserEnabledNNPACK(bool), as the Itanium C++ ABI names them.
    private const string GlobalContext = "_ZN2at13globalContextEv";
    private const string SetEnabled = "_ZN2at7Context20setUserEnabledNNPACKEb";

    /// <summary>Switches it off; does nothing where the library has no such switch.</summary>
    /// <param name="torchCpu">Handle of libtorch_cpu.</param>
    public static void Disable(IntPtr torchCpu)
    {
        if (!NativeLibrary.TryGetExport(torchCpu, GlobalContext, out var context)
            || !NativeLibrary.TryGetExport(torchCpu, SetEnabled, out var set))
            return;
        ((delegate* unmanaged<void*, byte, void>)set)(((delegate* unmanaged<void*>)context)(), 0);
    }
}
