using System.Runtime.InteropServices;
using StreamingCnn.Interop;

namespace StreamingCnn;

/// <summary>
/// Makes TorchSharp's native library load on systems with an older libstdc++ than the one it was built with.
/// </summary>
/// <remarks>
/// <para>
/// TorchSharp 0.107's <c>libLibTorchSharp.so</c> demands <c>GLIBCXX_3.4.32</c>, which Debian 12 and Ubuntu 22.04 (libstdc++ of GCC 12)
/// lack. The demand comes from one marker symbol that is never called; marking it weak is enough. The library on disk is not
/// changed: a corrected copy is written to a temporary file, loaded and deleted, and later look-ups find it by its name.
/// </para>
/// <para>
/// libtorch itself is taken from the folder that the environment variable <c>SCNN_LIBTORCH</c> names, else from the application's folders,
/// else from NuGet's package cache (<c>libtorch-cpu-linux-x64</c>), else from a Python installation with the same release of PyTorch.
/// </para>
/// <para>Where the library loads as it is, it is not changed. On systems other than Linux nothing happens.</para>
/// </remarks>
public static class NativeCompatibility
{
    /// <summary>Environment variable that leaves the C library's heap as the system has it when set to <c>system</c>.</summary>
    internal const string HeapVariable = "STREAMINGCNN_HEAP";

    // What the loader says where memory cannot be mapped, and adds where it may not be, as on a disk without programs.
    private const string NoAddresses = "failed to map segment from shared object";
    private const string NotAllowed = "not permitted";

    private const string MissingVersion = "GLIBCXX_3.4.32";
    private const string TorchSharpLibrary = "libLibTorchSharp.so";
    private static readonly string[] TorchLibraries =
        ["libc10.so", TorchLocation.Library, "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so"];
    private static readonly Lock Gate = new();
    private static bool done;

    /// <summary>
    /// Loads TorchSharp's native libraries, corrected where needed. To be called before the first touch of <c>torch</c> in the process;
    /// applications that reference the package do so by themselves. Further calls do nothing.
    /// </summary>
    /// <exception cref="DllNotFoundException">
    /// libtorch is nowhere to be found, or a library cannot be loaded for a reason that this fix does not know. The message says what to
    /// do, or which file and why.
    /// </exception>
    public static void Ensure()
    {
        lock (Gate)
        {
            if (done)
                return;
            if (OperatingSystem.IsLinux())
                LoadOnLinux();

            done = true;
        }
    }

    private static void LoadOnLinux()
    {
        var torchSharp = Find(TorchSharpLibrary);
        // Without the library beside the application, TorchSharp's own search (and its own message) must have its chance.
        if (torchSharp is null)
            return;

        var elsewhere = TorchLocation.FromEnvironment() ?? (Find(TorchLocation.Library) is null ? TorchLocation.Search() : null);
        foreach (var name in TorchLibraries)
        {
            var path = elsewhere is null ? Find(name) : Path.Combine(elsewhere, name);
            if (!File.Exists(path))
                continue;
            var library = Load(path);
            if (name != TorchLocation.Library)
                continue;
            Nnpack.Disable(library);
            MatrixProducts.MakeReproducible(library);
        }

        SizedDelete.Disable(NativeLibrary.TryLoad(torchSharp, out var loaded) ? loaded : LoadCorrected(torchSharp));
        HiddenCaches.Guess();
    }

    private static IntPtr Load(string path)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (DllNotFoundException reason)
        {
            if (reason.Message.Contains(NoAddresses, StringComparison.Ordinal)
                && !reason.Message.Contains(NotAllowed, StringComparison.Ordinal))
            {
                throw new DllNotFoundException(
                    $"The native library '{path}' cannot be loaded: it finds no room among the addresses that this process may take; "
                    + "allow at least 8 GiB, or any number (ulimit -v unlimited).", reason);
            }

            throw new DllNotFoundException($"The native library '{path}' cannot be loaded: {reason.Message}", reason);
        }
    }

    private static IntPtr LoadCorrected(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var marked = ElfVersionNeeds.MarkWeak(bytes, MissingVersion);
        if (marked == 0)
        {
            // Not the known cause: let the loader say what it misses.
            return Load(path);
        }

        var copy = Path.Combine(Path.GetTempPath(), $"{Path.GetRandomFileName()}-{TorchSharpLibrary}");
        try
        {
            File.WriteAllBytes(copy, bytes);
            return NativeLibrary.Load(copy);
        }
        catch (DllNotFoundException reason)
        {
            throw new DllNotFoundException(
                $"TorchSharp's native library '{path}' cannot be loaded on this system, not even without its demand for {MissingVersion}: {reason.Message}. "
                + "Use a system with libstdc++ 3.4.30 and glibc 2.34 or newer (Debian 12, Ubuntu 22.04).", reason);
        }
        finally
        {
            // The loader keeps the file mapped; the name is no longer needed.
            File.Delete(copy);
        }
    }

    /// <summary>
    /// Looks where the .NET host puts native libraries: beside the application, below its runtimes folder, in the package cache.
    /// </summary>
    private static string? Find(string name)
    {
        var hostFolders = (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return new[] { AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native") }
            .Concat(hostFolders)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);
    }
}
