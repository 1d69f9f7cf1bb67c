namespace StreamingCnn.Imaging.DataSets;

/// <summary>Finds the files of a data set that cannot be read, before training does.</summary>
internal static class FileCheck
{
    /// <summary>Opens every file, several at a time.</summary>
    /// <param name="files">The files, and how each is to be read; null for the defaults.</param>
    /// <returns>For each file what is wrong with it, or null.</returns>
    public static string?[] Problems(IReadOnlyList<(string Path, ImageOptions? Reading)> files)
    {
        var problems = new string?[files.Count];
        Parallel.For(0, files.Count, i => problems[i] = Problem(files[i].Path, files[i].Reading));
        return problems;
    }

    private static string? Problem(string file, ImageOptions? reading)
    {
        try
        {
            ImageCheck.Read(file, finite: true, options: reading);
            return null;
        }
        catch (ImageFormatException error)
        {
            return error.Problem.TrimEnd('.');
        }
    }
}
