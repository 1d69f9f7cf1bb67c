using System.Text.RegularExpressions;

namespace StreamingCnn.Interop.Weights;

/// <summary>Files that are either complete or not there: written under a temporary name beside the final one, and renamed.</summary>
public static partial class AtomicFile
{
    private static readonly string[] SystemFolders = ["/dev/fd/", "/dev/pts/", "/proc/", "/sys/"];

    /// <summary>A name, beside the final one, for what is not complete yet; no two are the same.</summary>
    public static string TemporaryName(string path) => $"{path}.{Guid.NewGuid():N}.part";

    /// <summary>
    /// Removes what was left of files that were being written into a folder when the process was killed. Folders below
    /// it and links are left alone.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="isOwn">Whether a name is that of a file which the caller writes there: of others, nothing is removed.</param>
    /// <exception cref="IOException">A file cannot be removed.</exception>
    public static void RemoveUnfinished(string folder, Func<string, bool> isOwn)
    {
        ArgumentNullException.ThrowIfNull(isOwn);
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles())
        {
            if (Unfinished().Match(file.Name) is { Success: true } found && isOwn(found.Groups[1].Value) && file.LinkTarget is null)
                file.Delete();
        }
    }

    /// <summary>Writes a file.</summary>
    /// <param name="path">
    /// The final name; an existing file is replaced in one step. Where it is a link, the link is replaced, and what it
    /// points at stays as it is.
    /// </param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="WeightFileException">The file cannot be written: no such folder, no permission, disk full, a device.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(write);
        if (IsDevice(path))
        {
            throw new WeightFileException(
                $"'{path}' cannot be written: it is a device, which a file must not take the place of; name a file.");
        }

        var temporary = TemporaryName(path);
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

    /// <summary>Whether a name belongs to the system, such as /dev/null: whoever may do all would replace it for everybody.</summary>
    private static bool IsDevice(string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "";
        return !OperatingSystem.IsWindows()
            && (folder == "/dev" || SystemFolders.Any(root => $"{folder}/".StartsWith(root, StringComparison.Ordinal)));
    }

    [GeneratedRegex(@"^(.*)\.[0-9a-f]{32}\.part$")]
    private static partial Regex Unfinished();

    /// <summary>What is in the way, without the temporary name, which nobody asked for.</summary>
    private static string Explain(string path, string temporary, Exception reason)
    {
        if (Directory.Exists(path))
            return "that is a folder; name a file in it.";
        return reason is DirectoryNotFoundException
            ? $"there is no folder '{Path.GetDirectoryName(Path.GetFullPath(path))}'; make it, or choose another one."
            : reason.Message.Replace(Path.GetFullPath(temporary), path, StringComparison.Ordinal).Replace(
                temporary, path, StringComparison.Ordinal);
    }
}
