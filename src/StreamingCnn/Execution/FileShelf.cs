using System.Collections.Concurrent;
using StreamingCnn.Planning;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>Seams in a temporary file.</summary>
/// <param name="folder">The folder for the file; null for the system's temporary folder.</param>
/// <param name="bytes">How much will come.</param>
/// <param name="device">The device that computes.</param>
/// <exception cref="IOException">The folder lacks the space, or no file can be made in it.</exception>
internal sealed class FileShelf(string? folder, long bytes, Device device) : ISeamShelf
{
    private readonly ConcurrentDictionary<SeamKey, TensorSlot> slots = [];
    private readonly TensorFile file = new("carry", folder, bytes);

    /// <summary>Bytes of the file.</summary>
    public long Length => file.Length;

    /// <inheritdoc/>
    public void Write(in SeamKey seam, Tensor values) => slots[seam] = file.Write(values);

    /// <inheritdoc/>
    public Tensor Read(in SeamKey seam) => file.Read(slots[seam], device);

    /// <inheritdoc/>
    public void Remove(in SeamKey seam)
    {
        if (slots.TryRemove(seam, out var slot))
            file.Give(slot);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        file.Dispose();
        slots.Clear();
    }
}
