using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace StreamingCnn.Interop;

/// <summary>
/// Version counters of tensors: how often one has been changed in place. TorchSharp does not show them; libtorch's own function is
/// called where its name is known.
/// </summary>
internal static unsafe class TensorVersion
{
    private static readonly delegate* unmanaged<nint, long> Read = Find();

    /// <summary>The tensor's version; always 0 where it cannot be told.</summary>
    public static long Of(Tensor tensor) => Read == null ? 0 : Read(tensor.Handle);

    private static delegate* unmanaged<nint, long> Find()
    {
        // The name as the Itanium C++ ABI mangles at::TensorBase::_version() const.
        return NativeLibrary.TryLoad("libtorch_cpu.so", typeof(TensorVersion).Assembly, null, out var library)
            && NativeLibrary.TryGetExport(library, "_ZNK2at10TensorBase8_versionEv", out var function)
            ? (delegate* unmanaged<nint, long>)function
            : null;
    }
}
