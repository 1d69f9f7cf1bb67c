using System.ComponentModel;
using System.Diagnostics;

namespace StreamingCnn.Interop;

/// <summary>
/// Finds libtorch for a program that does not bring it along, such as one that is installed as a .NET tool: libtorch is far larger than all
/// the rest. Looked for in this order: the folder that the environment variable <c>SCNN_LIBTORCH</c> names, the application's own folders,
/// NuGet's package cache, a Python installation with PyTorch.
/// </summary>
internal static class TorchLocation
{
    /// <summary>The environment variable that names a folder.</summary>
    public const string Variable = "SCNN_LIBTORCH";

    /// <summary>The library whose presence makes a folder one of libtorch.</summary>
    public const string Library = "libtorch_cpu.so";

    // What TorchSharp 0.107 is built for. Releases of PyTorch differ in their binary interface.
    private const string Version = "2.10.0";
    private const string Release = "2.10.";
    private const string Package = "libtorch-cpu-linux-x64";
    private const string PythonQuestion =
        "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')";
    private static readonly TimeSpan PythonPatience = TimeSpan.FromSeconds(10);

    /// <summary>The folder that the environment variable names; null when it is not set.</summary>
    /// <exception cref="DllNotFoundException">It names a folder without libtorch.</exception>
    public static string? FromEnvironment()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } named)
            return null;
        return new[] { named, Path.Combine(named, "lib") }.FirstOrDefault(Holds)
            ?? throw new DllNotFoundException(
                $"The environment variable {Variable} is '{named}', but there is no {Library} in that folder nor in its folder lib; name the folder that holds it, or unset the variable.");
    }

    /// <summary>A folder of libtorch outside the application.</summary>
    /// <exception cref="DllNotFoundException">There is none; the message says how to get it.</exception>
    public static string Search() => InPackages() ?? InPython()
        ?? throw new DllNotFoundException(
            $"libtorch {Version}, the library that does the arithmetic, was not found; get it once by 'dotnet package download {Package}@{Version} --output {Packages}', "
            + $"or set the environment variable {Variable} to a folder that holds {Library}, such as torch/lib of a Python installation with PyTorch {Release}x.");

    private static string Packages => Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } packages
        ? packages
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private static string? InPackages()
    {
        var folder = Path.Combine(Packages, Package, Version, "runtimes", "linux-x64", "native");
        return Holds(folder) ? folder : null;
    }

    /// <summary>
    /// The libraries of the Python that a shell would start, so that virtual environments count. Asks where PyTorch is without loading it.
    /// </summary>
    private static string? InPython()
    {
        try
        {
            using var python = Process.Start(
                new ProcessStartInfo("python3", ["-c", PythonQuestion]) { RedirectStandardOutput = true, RedirectStandardError = true });
            if (python is null)
                return null;
            var answer = python.StandardOutput.ReadToEndAsync();
            if (!python.WaitForExit(PythonPatience))
            {
                python.Kill();
                return null;
            }

            var package = answer.Result.Trim();
            var folder = Path.Combine(package, "lib");
            return package.Length > 0 && Holds(folder) && IsRelease(Path.Combine(package, "version.py")) ? folder : null;
        }
        catch (Win32Exception)
        {
            // There is no Python.
            return null;
        }
    }

    private static bool IsRelease(string versionFile) =>
        File.Exists(versionFile)
            && File.ReadLines(versionFile).Any(line => line.StartsWith($"__version__ = '{Release}", StringComparison.Ordinal));

    private static bool Holds(string folder) => File.Exists(Path.Combine(folder, Library));
}
