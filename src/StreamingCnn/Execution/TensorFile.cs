using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>Tensors in a temporary file.</summary>
/// <param name="content">What will be kept there, as sentences call it.</param>
/// <param name="folder">The folder for the file; null for the system's temporary folder.</param>
/// <param name="bytes">How much will come.</param>
/// <exception cref="IOException">The folder lacks the space, or no file can be made in it.</exception>
internal sealed class TensorFile(string content, string? folder, long bytes) : IDisposable
{
    // Spans have at most 2^31 - 1 bytes.
    private const long ValuesAtOnce = 64 << 20;

    private readonly ScratchFile file = new(content, folder, bytes);

    /// <summary>Bytes of the file.</summary>
    public long Length => file.Length;

    /// <summary>Writes a tensor.</summary>
    /// <returns>Where it stands.</returns>
    public TensorSlot Write(Tensor values)
    {
        using var scope = NewDisposeScope();
        var flat = values.InMemoryOrder().cpu().contiguous().flatten();
        var offset = file.Take(flat.NumberOfElements * flat.ElementSize);
        var slot = new TensorSlot(offset, values.shape, values.dtype, values.Format());
        foreach (var piece in Pieces(flat))
        {
            file.Write(piece.bytes, offset);
            offset += piece.NumberOfElements * piece.ElementSize;
        }

        return slot;
    }

    /// <summary>Reads a tensor, which belongs to no scope.</summary>
    public Tensor Read(TensorSlot slot, Device device)
    {
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

    /// <summary>Gives its place to others.</summary>
    public void Give(TensorSlot slot) => file.Give(slot.Offset);

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static IEnumerable<Tensor> Pieces(Tensor flat)
    {
        for (long start = 0; start < flat.shape[0]; start += ValuesAtOnce)
            yield return flat.narrow(0, start, Math.Min(ValuesAtOnce, flat.shape[0] - start));
    }
}

/// <summary>Where a tensor stands in a file.</summary>
/// <param name="Offset">Its first byte.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Type">Its type.</param>
/// <param name="Format">In which order its values lie.</param>
internal sealed record TensorSlot(long Offset, long[] Shape, ScalarType Type, MapFormat Format);
