namespace StreamingCnn.Training.Runs;

/// <summary>Networks in packages that NuGet has fetched: <c>nuget:Package.Name</c>. Nothing is fetched here.</summary>
public static class CachedPackage
{
    private const string Beginning = "nuget:";
    private const string CacheVariable = "NUGET_PACKAGES";

    /// <summary>Whether a name is that of a package.</summary>
    public static bool IsNamed(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.StartsWith(Beginning, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>The file of a package's network: the largest that ends in <c>.onnx</c>, of the newest version that has one.</summary>
    /// <param name="name"><c>nuget:</c> and the package's name.</param>
    /// <param name="variable">The value of a variable of the environment; null for the process's own.</param>
    /// <exception cref="ArgumentException">It is no name, or the package has not been fetched, or holds no network.</exception>
    public static string Network(string name, Func<string, string?>? variable = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        variable ??= Environment.GetEnvironmentVariable;
        var package = name[Beginning.Length..];
        if (!IsPackage(package))
            throw new ArgumentException(
                $"'{name}' names no package; write nuget: and its name, such as nuget:Microsoft.ML.DnnImageFeaturizer.ResNet18.");
        return Versions(package, variable)
            .Select(
                version =>
                    new DirectoryInfo(version).EnumerateFiles("*.onnx", SearchOption.AllDirectories).MaxBy(file => file.Length)?.FullName)
            .FirstOrDefault(file => file is not null)
            ?? throw new ArgumentException(
                $"There is no network of the package '{package}' in NuGet's folder '{Folder(variable)}'; fetch it once by: dotnet new classlib -o fetch && dotnet add fetch package {package}.");
    }

    /// <summary>The folders of a package's versions, the newest first.</summary>
    /// <param name="package">The package's name.</param>
    /// <param name="variable">The value of a variable of the environment; null where there is none.</param>
    public static IEnumerable<string> Versions(string package, Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(package);
        ArgumentNullException.ThrowIfNull(variable);
        var folder = new DirectoryInfo(Path.Combine(Folder(variable), package.ToLowerInvariant()));
        return folder.Exists
            ? folder.EnumerateDirectories().OrderByDescending(Version).ThenByDescending(version => version.Name, StringComparer.Ordinal)
                .Select(version => version.FullName)
            : [];

        // A preview has letters behind its numbers.
        static Version Version(DirectoryInfo folder) =>
            System.Version.TryParse(folder.Name.Split('-')[0], out var version) ? version : new();
    }

    private static bool IsPackage(string name) =>
        name.Length > 0 && name[0] != '.' && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' or '_');

    private static string Folder(Func<string, string?> variable) => variable(CacheVariable) is { Length: > 0 } named
        ? named
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
}
