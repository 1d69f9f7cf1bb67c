namespace StreamingCnn.Imaging;

/// <summary>Sizes of files.</summary>
public static class FileSize
{
    /// <summary>Bytes of a file; of a symbolic link, of what it leads to.</summary>
    /// <param name="path">The file.</param>
    public static long Of(string path)
    {
        // Not by the entry in the folder, which is that of the link itself.
        using var file = File.OpenRead(path);
        return file.Length;
    }
}
