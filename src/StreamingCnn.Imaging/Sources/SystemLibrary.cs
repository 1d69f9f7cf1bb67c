using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace StreamingCnn.Imaging;

/// <summary>A native library that is used where the user has installed it; looked for when it is first asked for.</summary>
internal sealed class SystemLibrary
{
    private static readonly ConcurrentDictionary<string, SystemLibrary> Known = new();

    private readonly Lazy<nint> handle;

    // An assembly may have one resolver, for all of its libraries.
    static SystemLibrary() =>
        NativeLibrary.SetDllImportResolver(
            typeof(SystemLibrary).Assembly,
            static (name, _, _) => Known.TryGetValue(name, out var library) ? library.handle.Value : nint.Zero);

    private SystemLibrary(IReadOnlyList<string> files) => handle = new(() => Load(files));

    /// <summary>Whether the library is installed.</summary>
    public bool IsAvailable => handle.Value != nint.Zero;

    /// <summary>Says under which names a library that is imported may lie on this machine.</summary>
    /// <param name="name">Its name in imports.</param>
    /// <param name="files">Names of its file, the preferred first.</param>
    public static SystemLibrary Named(string name, IReadOnlyList<string> files) => Known.GetOrAdd(name, _ => new SystemLibrary(files));

    /// <summary>The address of a function.</summary>
    public nint Function(string name) => NativeLibrary.GetExport(handle.Value, name);

    private static nint Load(IReadOnlyList<string> files)
    {
        foreach (var file in files)
        {
            if (NativeLibrary.TryLoad(file, out var found))
                return found;
        }

        foreach (var path in Folders().SelectMany(_ => files, Path.Combine).Where(File.Exists))
        {
            if (NativeLibrary.TryLoad(path, out var found))
                return found;
        }

        return nint.Zero;
    }

    // Where packages are put that the system's own search does not look into: conda's active environment, and Homebrew.
    private static IEnumerable<string> Folders()
    {
        if (Environment.GetEnvironmentVariable("CONDA_PREFIX") is { Length: > 0 } conda)
            yield return OperatingSystem.IsWindows() ? Path.Combine(conda, "Library", "bin") : Path.Combine(conda, "lib");
        if (OperatingSystem.IsMacOS())
        {
            yield return "/opt/homebrew/lib";
            yield return "/usr/local/lib";
        }
    }
}
