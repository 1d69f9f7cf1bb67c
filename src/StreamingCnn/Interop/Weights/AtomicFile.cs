namespace StreamingCnn.Interop.Weights;

/// <summary>Files that are either complete or not there: written under a temporary name beside the final one, and renamed.</summary>
public static class AtomicFile
{
    /// <summary>Pattern of the temporary names: what is left of a file that was being written when the process was killed.</summary>
    public const string UnfinishedPattern = "*.part";

    /// <summary>Writes a file.</summary>
    /// <param name="path">The final name; an existing file is replaced in one step.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="WeightFileException">The file cannot be written: no such folder, no permission, disk full.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(write);
        var temporary = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException && reason is not WeightFileException)
        {
            throw new WeightFileException($"'{path}' cannot be written: {Explain(path, temporary, reason)}", reason);
        }
        finally
        {
            // Deleting in a folder that is not there is an error of its own, which would hide the first.
            if (File.Exists(temporary))
                File.Delete(temporary);
        }
    }

    /// <summary>What is in the way, without the temporary name, which nobody asked for.</summary>
    private static string Explain(string path, string temporary, Exception reason)
    {
        if (Directory.Exists(path))
            return "that is a folder; name a file in it.";
        return reason is DirectoryNotFoundException
            ? $"there is no folder '{Path.GetDirectoryName(Path.GetFullPath(path))}'; make it, or choose another one."
            : reason.Message.Replace(Path.GetFullPath(temporary), path, StringComparison.Ordinal).Replace(temporary, path, StringComparison.Ordinal);
    }
}
