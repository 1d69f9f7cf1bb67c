namespace StreamingCnn.Imaging.Tests;

/// <summary>Real image files that do not lie in the repository; tests that need them are skipped where they are absent.</summary>
internal static class SampleFiles
{
    private static readonly string? Root = Find();

    public static string Get(string name)
    {
        if (Root is null)
            Assert.Skip("The folder of sample images (shared/data beside or above the checkout) is absent.");
        return Path.Combine(Root, name);
    }

    private static string? Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "shared", "data");
            if (File.Exists(Path.Combine(candidate, "SOURCES.md")))
                return candidate;
        }

        return null;
    }
}
