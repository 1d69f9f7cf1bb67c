using Microsoft.Win32.SafeHandles;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// Seams in a temporary file, whose slots are used again. It is written and read piece by piece rather than mapped into memory: pages of
/// a mapping count as this process's, and it is
/// to stay within its budget.
/// </summary>
internal sealed class FileShelf : ISeamShelf
{
    // Spans have at most 2^31 - 1 bytes.
    private const long ValuesAtOnce = 64 << 20;

    private readonly Lock gate = new();
    private readonly Device device;
    private readonly string path;
    private readonly SafeFileHandle file;
    private readonly Dictionary<SeamKey, Slot> slots = [];
    private readonly BlockMap room = new(long.MaxValue);

    /// <param name="folder">The folder for the file; null for the system's temporary folder.</param>
    /// <param name="bytes">How much will come.</param>
    /// <param name="device">The device that computes.</param>
    /// <exception cref="IOException">The folder lacks the space, or no file can be made in it.</exception>
    public FileShelf(string? folder, long bytes, Device device)
    {
        this.device = device;
        folder = Path.GetFullPath(folder ?? Path.GetTempPath());
        path = Path.Combine(folder, $"streaming-carry-{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(folder);
            var free = new DriveInfo(folder).AvailableFreeSpace;
            if (free < bytes)
                throw new IOException($"the carry takes {bytes >> 20} MiB there, and {free >> 20} MiB are free");
            file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, FileOptions.DeleteOnClose);
            // Where the system allows it, the name goes at once, so that a process that is killed leaves nothing behind.
            if (!OperatingSystem.IsWindows())
                File.Delete(path);
        }
        catch (Exception reason) when (reason is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new IOException($"The carry cannot be kept in the folder '{folder}': {reason.Message.TrimEnd('.')}. Choose another one with StreamingOptions.CarryFolder.", reason);
        }
    }

    /// <summary>Bytes of the file.</summary>
    public long Length
    {
        get
        {
            lock (gate)
                return room.Reach;
        }
    }

    /// <inheritdoc/>
    public void Write(in SeamKey seam, Tensor values)
    {
        using var scope = NewDisposeScope();
        var flat = values.InMemoryOrder().cpu().contiguous().flatten();
        long offset;
        lock (gate)
        {
            offset = room.Take(flat.NumberOfElements * flat.ElementSize);
            slots.Add(seam, new(offset, values.shape, values.dtype, values.Format()));
        }

        try
        {
            foreach (var piece in Pieces(flat))
            {
                RandomAccess.Write(file, piece.bytes, offset);
                offset += piece.NumberOfElements * piece.ElementSize;
            }
        }
        catch (IOException reason)
        {
            throw new IOException($"The carry cannot be written to '{Path.GetDirectoryName(path)}': {reason.Message.TrimEnd('.')}. Choose another folder with StreamingOptions.CarryFolder.", reason);
        }
    }

    /// <inheritdoc/>
    public Tensor Read(in SeamKey seam)
    {
        Slot slot;
        lock (gate)
            slot = slots[seam];
        var offset = slot.Offset;
        using var scope = NewDisposeScope();
        Tensor values;
        using (TensorHeap.Lasting())
            values = slot.Format.Empty(slot.Shape, slot.Type, CPU);
        foreach (var piece in Pieces(values.InMemoryOrder().view(-1)))
        {
            for (var left = piece.bytes; left.Length > 0;)
            {
                var read = RandomAccess.Read(file, left, offset);
                if (read == 0)
                    throw new IOException($"The file of the carry in '{Path.GetDirectoryName(path)}' ended early; something has cut it off.");
                left = left[read..];
                offset += read;
            }
        }

        return values.to(device).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public void Remove(in SeamKey seam)
    {
        lock (gate)
        {
            if (slots.Remove(seam, out var slot))
                room.Give(slot.Offset);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        file.Dispose();
        slots.Clear();
    }

    private static IEnumerable<Tensor> Pieces(Tensor flat)
    {
        for (long start = 0; start < flat.shape[0]; start += ValuesAtOnce)
            yield return flat.narrow(0, start, Math.Min(ValuesAtOnce, flat.shape[0] - start));
    }

    private sealed record Slot(long Offset, long[] Shape, ScalarType Type, MapFormat Format);
}
