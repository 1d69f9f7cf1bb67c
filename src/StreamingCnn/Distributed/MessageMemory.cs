using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Distributed;

/// <summary>Memory that a message is read from or written to, in place.</summary>
/// <param name="Address">Of the first element; it must not move until the message has ended.</param>
/// <param name="Count">Elements.</param>
/// <param name="Type">Their type.</param>
/// <param name="Owner">Whom it belongs to, who is kept alive until the message has ended; null for the caller.</param>
public readonly record struct MessageMemory(nint Address, long Count, MessageType Type, object? Owner = null)
{
    /// <summary>Bytes in all.</summary>
    public long Bytes => Count * ElementBytes;

    /// <summary>Bytes of an element.</summary>
    public int ElementBytes => Type switch
    {
        MessageType.Byte => 1,
        MessageType.Single => sizeof(float),
        _ => sizeof(double),
    };

    /// <summary>A tensor's memory. Types other than float32, float64 and int64 are taken as bytes.</summary>
    /// <param name="tensor">In the processor's memory, contiguous; not to be disposed before the message has ended.</param>
    /// <exception cref="ArgumentException">It lies elsewhere, or has gaps.</exception>
    public static unsafe MessageMemory Of(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.device_type != DeviceType.CPU || !tensor.is_contiguous())
        {
            throw new ArgumentException(
                "A message's tensor is on another device or not contiguous, but it is read in place; hand in tensor.cpu().contiguous().",
                nameof(tensor));
        }

        MessageType? type = tensor.dtype switch
        {
            ScalarType.Float32 => MessageType.Single,
            ScalarType.Float64 => MessageType.Double,
            ScalarType.Int64 => MessageType.Int64,
            _ => null,
        };
        var count = type is null ? tensor.numel() * tensor.element_size() : tensor.numel();
        if (count == 0)
            return new(0, 0, type ?? MessageType.Byte, tensor);
        using var scope = NewDisposeScope();
        // Spans end at 2 GiB; a tensor need not.
        var first = tensor.detach().reshape(-1).narrow(0, 0, 1);
        return new((nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes)), count, type ?? MessageType.Byte, tensor);
    }

    /// <summary>A part of it.</summary>
    /// <param name="start">First element.</param>
    /// <param name="count">Elements.</param>
    public MessageMemory Slice(long start, long count) => this with { Address = Address + (nint)(start * ElementBytes), Count = count };
}
