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

    /// <summary>A file that is to be decoded; the test is skipped where that takes OpenSlide and it is not installed.</summary>
    public static string GetDecodable(string name)
    {
        var path = Get(name);
        if (name.EndsWith(".ndpi", StringComparison.Ordinal))
            RequireOpenSlide();
        return path;
    }

    /// <summary>Skips the test where OpenSlide is not installed.</summary>
    public static void RequireOpenSlide() =>
        Assert.SkipUnless(OpenSlideNative.Available, "OpenSlide is not installed (Debian and Ubuntu: apt-get install libopenslide0).");

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
