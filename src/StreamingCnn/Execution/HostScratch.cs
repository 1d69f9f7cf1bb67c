using System.Runtime.InteropServices;

namespace StreamingCnn.Execution;

/// <summary>Room in the host's memory. Positions are addresses.</summary>
internal sealed unsafe class HostScratch : IScratch
{
    private readonly Lock gate = new();
    private readonly Dictionary<long, long> blocks = [];
    private long taken;

    /// <inheritdoc/>
    public long Length { get; private set; }

    /// <inheritdoc/>
    public long Take(long bytes)
    {
        var start = (long)NativeMemory.Alloc((nuint)bytes);
        lock (gate)
        {
            blocks.Add(start, bytes);
            taken += bytes;
            Length = Math.Max(Length, taken);
        }

        return start;
    }

    /// <inheritdoc/>
    public void Give(long start)
    {
        lock (gate)
        {
            if (!blocks.Remove(start, out var bytes))
                return;
            taken -= bytes;
            NativeMemory.Free((void*)start);
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> bytes, long position) => bytes.CopyTo(new Span<byte>((void*)position, bytes.Length));

    /// <inheritdoc/>
    public void Read(Span<byte> bytes, long position) => new Span<byte>((void*)position, bytes.Length).CopyTo(bytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate)
        {
            foreach (var start in blocks.Keys)
                NativeMemory.Free((void*)start);
            blocks.Clear();
            taken = 0;
        }
    }
}
