using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Pixels as float32, for arithmetic whose rounding must not depend on the window.</summary>
/// <remarks>
/// They are in a tensor's memory, not in an array: arrays of a large window's size wait long for the garbage collector, which nobody has
/// told of a memory budget.
/// </remarks>
internal sealed unsafe class FloatPixels
{
    private readonly float* start;
    private readonly long lines;

    private FloatPixels(Tensor window)
    {
        (Window, Width, lines) = (window, (int)window.shape[3], window.shape[1] * window.shape[2]);
        Height = window.shape[2];
        // By a line's bytes: a span of all of them ends at 2 GiB.
        using var all = window.view(-1);
        using var first = all.narrow(0, 0, Width);
        start = (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
    }

    /// <summary>The tensor [1, C, H, W], of the current scope.</summary>
    public Tensor Window { get; }

    /// <summary>Pixels of a line.</summary>
    public int Width { get; }

    /// <summary>Lines of a channel.</summary>
    public long Height { get; }

    /// <summary>All pixels of all channels.</summary>
    public long Length => lines * Width;

    /// <summary>A line; those of a channel follow each other, and so do channels.</summary>
    public Span<float> this[long line]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)line, (ulong)lines, nameof(line));
            return new(start + (line * Width), Width);
        }
    }

    /// <summary>A copy of a window [1, C, H, W] of any type.</summary>
    public static FloatPixels Of(Tensor window)
    {
        var copy = empty(window.shape, ScalarType.Float32);
        return new(copy.copy_(window));
    }

    /// <summary>Pixels that have no values yet.</summary>
    public static FloatPixels Empty(long channels, long height, long width) => new(empty([1, channels, height, width], ScalarType.Float32));
}
