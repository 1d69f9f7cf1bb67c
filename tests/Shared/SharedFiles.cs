namespace StreamingCnn.Testing;

/// <summary>Files that stand beside a checkout of the repository, for tests that are skipped where they are not there.</summary>
public static class SharedFiles
{
    /// <summary>The folder <paramref name="name"/> in a folder "shared" beside the checkout; skips the test when there is none.</summary>
    public static string Folder(string name)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, "shared", name);
            if (Directory.Exists(candidate))
                return candidate;
        }

        Assert.Skip($"There is no folder shared/{name} beside this checkout.");
        return "";
    }
}
