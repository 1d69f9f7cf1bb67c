using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace StreamingCnn.Interop;

/// <summary>
/// Functions of the CUDA runtime that libtorch has loaded, of which TorchSharp wraps none: how much memory a device has. All of them return
/// 0 where they have done what they are for.
/// </summary>
/// <param name="getDevice"><c>cudaGetDevice(int*)</c>: the device that this thread talks to.</param>
/// <param name="setDevice"><c>cudaSetDevice(int)</c>: talks to another one.</param>
/// <param name="getMemory"><c>cudaMemGetInfo(size_t* free, size_t* total)</c>.</param>
internal sealed unsafe class CudaRuntime(
    delegate* unmanaged<int*, int> getDevice, delegate* unmanaged<int, int> setDevice, delegate* unmanaged<nuint*, nuint*, int> getMemory)
{
    // Of a system's own, where libtorch was linked with the runtime inside.
    private static readonly string[] Names = ["libcudart.so.13", "libcudart.so.12"];

    /// <summary>Whether a library of libtorch's build for CUDA is loaded.</summary>
    public static bool HasTorchBuild => Modules("torch_cuda").Any();

    /// <summary>Finds the runtime.</summary>
    /// <returns>Its functions; null where there is none.</returns>
    public static CudaRuntime? Find()
    {
        foreach (var name in Modules("cudart").Concat(Names))
        {
            if (NativeLibrary.TryLoad(name, out var library)
                && NativeLibrary.TryGetExport(library, "cudaGetDevice", out var get)
                && NativeLibrary.TryGetExport(library, "cudaSetDevice", out var set)
                && NativeLibrary.TryGetExport(library, "cudaMemGetInfo", out var memory))
            {
                return new(
                    (delegate* unmanaged<int*, int>)get,
                    (delegate* unmanaged<int, int>)set,
                    (delegate* unmanaged<nuint*, nuint*, int>)memory);
            }
        }

        return null;
    }

    /// <summary>The memory of a device in bytes, what is free of it and all of it; null where the runtime does not say.</summary>
    /// <param name="device">Index of the device; below 0 for the one that this thread talks to.</param>
    public (long Free, long Total)? Memory(int device)
    {
        int before;
        nuint free, total;
        if (getDevice(&before) != 0 || (device >= 0 && setDevice(device) != 0))
            return null;
        var isKnown = getMemory(&free, &total) == 0;
        // Nobody else is to find himself on another device.
        var isBack = setDevice(before) == 0;
        return isKnown && isBack ? ((long)free, (long)total) : null;
    }

    /// <summary>Paths of the libraries in this process with a word in their name.</summary>
    private static IEnumerable<string> Modules(string word)
    {
        try
        {
            using var process = Process.GetCurrentProcess();
            return
            [
                .. process.Modules.Cast<ProcessModule>()
                    .Where(module => module.ModuleName.Contains(word, StringComparison.OrdinalIgnoreCase))
                    .Select(module => module.FileName),
            ];
        }
        catch (Win32Exception)
        {
            // A system that does not tell.
            return [];
        }
    }
}
