using System.Collections.Concurrent;
using StreamingCnn.Interop;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>Seams in a temporary file.</summary>
/// <param name="folder">The folder for the file; null for the system's temporary folder.</param>
/// <param name="bytes">How much will come.</param>
/// <param name="device">The device that computes.</param>
/// <exception cref="IOException">The folder lacks the space, or no file can be made in it.</exception>
internal sealed class FileShelf(string? folder, long bytes, Device device) : ISeamShelf
{
    // Spans have at most 2^31 - 1 bytes.
    private const long ValuesAtOnce = 64 << 20;

    private readonly ConcurrentDictionary<SeamKey, Slot> slots = [];
    private readonly ScratchFile file = new("carry", folder, bytes);

    /// <summary>Bytes of the file.</summary>
    public long Length => file.Length;

    /// <inheritdoc/>
    public void Write(in SeamKey seam, Tensor values)
    {
        using var scope = NewDisposeScope();
        var flat = values.InMemoryOrder().cpu().contiguous().flatten();
        var offset = file.Take(flat.NumberOfElements * flat.ElementSize);
        slots[seam] = new(offset, values.shape, values.dtype, values.Format());
        foreach (var piece in Pieces(flat))
        {
            file.Write(piece.bytes, offset);
            offset += piece.NumberOfElements * piece.ElementSize;
        }
    }

    /// <inheritdoc/>
    public Tensor Read(in SeamKey seam)
    {
        var slot = slots[seam];
        var offset = slot.Offset;
        using var scope = NewDisposeScope();
        Tensor values;
        using (TensorHeap.Lasting())
            values = slot.Format.Empty(slot.Shape, slot.Type, CPU);
        foreach (var piece in Pieces(values.InMemoryOrder().view(-1)))
        {
            file.Read(piece.bytes, offset);
            offset += piece.NumberOfElements * piece.ElementSize;
        }

        return values.to(device).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public void Remove(in SeamKey seam)
    {
        if (slots.TryRemove(seam, out var slot))
            file.Give(slot.Offset);
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
