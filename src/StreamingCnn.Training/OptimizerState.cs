using System.Text;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Training;

/// <summary>
/// What an optimizer has gathered, as bytes in a tensor: they are twice the weights, of which an array, and the arrays that it grew out of,
/// would wait for the garbage collector while the next image is streamed.
/// </summary>
internal static unsafe class OptimizerState
{
    /// <summary>The state, [bytes], in the current scope.</summary>
    public static Tensor Write(OptimizerHelper optimizer)
    {
        using var measured = new MeasuringStream();
        Save(measured);
        var bytes = empty([Math.Max(1, measured.Length)], ScalarType.Byte, CPU);
        using var memory = new UnmanagedMemoryStream(Start(bytes), measured.Length, measured.Length, FileAccess.Write);
        Save(memory);
        return bytes;

        void Save(Stream stream)
        {
            using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
            optimizer.save_state_dict(writer);
        }
    }

    /// <summary>Gives an optimizer its state back.</summary>
    /// <param name="optimizer">An optimizer of the same parameters.</param>
    /// <param name="bytes">What <see cref="Write"/> returned.</param>
    public static void Read(OptimizerHelper optimizer, Tensor bytes)
    {
        using var reader = new BinaryReader(new UnmanagedMemoryStream(Start(bytes), bytes.numel()));
        optimizer.load_state_dict(reader);
        // Other optimizers fill the tensors that they have; this one makes a new one for each.
        foreach (var state in optimizer.state_dict().State.OfType<SGD.State>())
            state.momentum_buffer?.DetachFromDisposeScope();
    }

    // By the first byte: a span of all of them ends at 2 GiB.
    private static byte* Start(Tensor bytes)
    {
        using var first = bytes.narrow(0, 0, 1);
        fixed (byte* start = first.bytes)
            return start;
    }

    /// <summary>Counts what is written.</summary>
    private sealed class MeasuringStream : Stream
    {
        private long length;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => length;

        public override long Position
        {
            get => length;
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer) => length += buffer.Length;

        public override void Write(byte[] buffer, int offset, int count) => length += count;

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
