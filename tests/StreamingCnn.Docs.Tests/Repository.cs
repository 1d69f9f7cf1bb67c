namespace StreamingCnn.Docs.Tests;

/// <summary>The checkout of the repository that the tests run in.</summary>
internal static class Repository
{
    /// <summary>Its folder; skips the test where there is none.</summary>
    public static string Folder
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "StreamingCnn.slnx")))
                folder = folder.Parent;
            Assert.SkipWhen(folder is null, "The tests do not run within a checkout of the repository.");
            return folder!.FullName;
        }
    }

    public static string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>The source files of all projects that users get.</summary>
    public static IEnumerable<string> Sources() => Sources("src");

    /// <summary>The source files of a folder.</summary>
    public static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(PathOf(folder), "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin"))
        .Order(StringComparer.Ordinal);
}
