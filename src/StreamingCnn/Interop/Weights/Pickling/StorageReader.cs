using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Interop.Weights.Pickling;

/// <summary>Reads a storage's values.</summary>
internal static class StorageReader
{
    private const long Piece = 1 << 22;

    /// <summary>Reads a storage as a tensor of one dimension, in pieces, so that its size has no limit but memory.</summary>
    /// <param name="stream">The values.</param>
    /// <param name="storage">How many there are, and of which type.</param>
    /// <param name="swap">Whether they are big-endian.</param>
    /// <exception cref="EndOfStreamException">There are fewer.</exception>
    public static Tensor Read(Stream stream, PickledStorage storage, bool swap)
    {
        var size = storage.Type.Size;
        var values = empty([storage.Count], storage.Type.Type, CPU);
        for (long at = 0; at < storage.Count; at += Piece)
        {
            using var piece = values.narrow(0, at, Math.Min(Piece, storage.Count - at));
            var bytes = piece.bytes;
            stream.ReadExactly(bytes);
            if (swap && size > 1)
            {
                for (var i = 0; i < bytes.Length; i += size)
                    bytes.Slice(i, size).Reverse();
            }
        }

        return values;
    }
}
