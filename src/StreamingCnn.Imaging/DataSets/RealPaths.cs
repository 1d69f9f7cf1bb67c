namespace StreamingCnn.Imaging.DataSets;

/// <summary>
/// One name for each file, whatever symbolic links lead to it. Folders are looked up once, so that long lists take a
/// moment.
/// </summary>
internal sealed class RealPaths
{
    // No system has longer ones; each folder of a path is looked up by a call of its own.
    private const int LongestPath = 4096;

    private readonly Dictionary<string, string> folders = new(StringComparer.Ordinal);

    /// <summary>The path without links; the path itself where they lead nowhere.</summary>
    /// <param name="path">An absolute path.</param>
    public string Of(string path)
    {
        if (Path.GetDirectoryName(path) is not { } above || path.Length > LongestPath)
            return path;
        try
        {
            var file = Path.Combine(Folder(above), Path.GetFileName(path));
            var target = File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName;
            return target is null ? file : Path.Combine(Folder(Path.GetDirectoryName(target)!), Path.GetFileName(target));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return path;
        }
    }

    private string Folder(string path)
    {
        if (folders.TryGetValue(path, out var known))
            return known;
        var real = path;
        if (Path.GetDirectoryName(path) is { } above)
        {
            real = Path.Combine(Folder(above), Path.GetFileName(path));
            if (Directory.Exists(real) && Directory.ResolveLinkTarget(real, returnFinalTarget: true) is { } target)
                real = Folder(target.FullName);
        }

        return folders[path] = real;
    }
}
