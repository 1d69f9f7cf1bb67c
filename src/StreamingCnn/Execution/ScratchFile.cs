using Microsoft.Win32.SafeHandles;
using StreamingCnn.Interop;

namespace StreamingCnn.Execution;

/// <summary>
/// A temporary file whose blocks are used again. It is written and read piece by piece rather than mapped into memory: pages of a mapping
/// count as this process's, and it is to stay within its budget.
/// </summary>
internal sealed class ScratchFile : IScratch
{
    private readonly Lock gate = new();
    private readonly BlockMap room = new(long.MaxValue);
    private readonly string content;
    private readonly string folder;
    private readonly SafeFileHandle file;

    /// <param name="content">What will be kept there, as sentences call it.</param>
    /// <param name="folder">The folder for the file; null for the system's temporary folder.</param>
    /// <param name="bytes">How much will come.</param>
    /// <exception cref="IOException">The folder lacks the space, or no file can be made in it.</exception>
    public ScratchFile(string content, string? folder, long bytes)
    {
        this.content = content;
        this.folder = folder = Path.GetFullPath(folder ?? Path.GetTempPath());
        var path = Path.Combine(folder, $"streaming-{content.Replace(' ', '-')}-{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(folder);
            var free = new DriveInfo(folder).AvailableFreeSpace;
            if (free < bytes)
                throw new IOException($"the {content} takes {bytes >> 20} MiB there, and {free >> 20} MiB are free");
            file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileOptions.DeleteOnClose);
            // Where the system allows it, the name goes at once, so that a process that is killed leaves nothing behind.
            if (!OperatingSystem.IsWindows())
                File.Delete(path);
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new IOException($"The {content} cannot be kept in the folder '{folder}': {reason.Message.TrimEnd('.')}. Choose another one with StreamingOptions.CarryFolder.", reason);
        }
    }

    /// <inheritdoc/>
    public long Length
    {
        get
        {
            lock (gate)
                return room.Reach;
        }
    }

    /// <inheritdoc/>
    public long Take(long bytes)
    {
        lock (gate)
            return room.Take(bytes);
    }

    /// <inheritdoc/>
    public void Give(long start)
    {
        lock (gate)
            room.Give(start);
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> bytes, long position)
    {
        try
        {
            RandomAccess.Write(file, bytes, position);
        }
        // What the file system cannot hold in one file is an argument out of range.
        catch (Exception reason) when (reason is IOException or ArgumentOutOfRangeException)
        {
            throw new IOException($"The {content} cannot be written to '{folder}': {reason.Message.TrimEnd('.')}. Choose another folder with StreamingOptions.CarryFolder.", reason);
        }
    }

    /// <inheritdoc/>
    public void Read(Span<byte> bytes, long position)
    {
        while (bytes.Length > 0)
        {
            var read = RandomAccess.Read(file, bytes, position);
            if (read == 0)
                throw new IOException($"The file of the {content} in '{folder}' ended early; something has cut it off.");
            bytes = bytes[read..];
            position += read;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();
}
