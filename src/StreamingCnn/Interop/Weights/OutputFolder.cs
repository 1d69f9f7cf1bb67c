namespace StreamingCnn.Interop.Weights;

/// <summary>
/// A folder that somebody named for what is to be written: it can be used, or one sentence says why not, before any work is lost.
/// </summary>
public static class OutputFolder
{
    /// <summary>Makes a folder, with those above it, and tries whether files can be made in it.</summary>
    /// <param name="path">The folder; it may be there already.</param>
    /// <exception cref="WeightFileException">
    /// The folder cannot be made, or nothing can be written into it. The message names it and says why.
    /// </exception>
    public static void Make(string path)
    {
        Check(path);
        try
        {
            Directory.CreateDirectory(path);
            Try(path);
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            throw Refusal(path, path, reason);
        }
    }

    /// <summary>Tries whether <see cref="Make"/> would do, and leaves nothing behind.</summary>
    /// <param name="path">The folder; it may be there already.</param>
    /// <exception cref="WeightFileException">As <see cref="Make"/> says it.</exception>
    public static void Check(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (string.IsNullOrWhiteSpace(path))
            throw new WeightFileException("The name of the folder to write into is empty; give it one.");
        var nearest = Path.GetFullPath(path);
        while (!Directory.Exists(nearest) && !File.Exists(nearest) && Path.GetDirectoryName(nearest) is { } above)
            nearest = above;
        if (File.Exists(nearest))
            throw new WeightFileException(
                $"The folder '{path}' cannot be made: '{nearest}' is a file; name another folder, or move that file away.");
        try
        {
            Try(nearest);
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
        {
            throw Refusal(path, nearest, reason);
        }
    }

    /// <summary>Makes an empty file in a folder, which the system removes when it is closed.</summary>
    private static void Try(string folder)
    {
        var file = AtomicFile.TemporaryName(Path.Combine(folder, "tried"));
        new FileStream(file, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.DeleteOnClose).Dispose();
    }

    private static WeightFileException Refusal(string path, string nearest, Exception reason)
    {
        var cause = reason switch
        {
            UnauthorizedAccessException => $"there is no permission to write in '{nearest}'",
            // A folder such as /proc, which the system fills itself, has no place for new files.
            DirectoryNotFoundException or FileNotFoundException => $"'{nearest}' takes no new files",
            // The system's own words, without the name of the file that was tried.
            _ => $"the system says '{reason.Message.Split(" : '")[0]}' of '{nearest}'",
        };
        return new($"Nothing can be written into the folder '{path}': {cause}; name another folder.", reason);
    }
}
