using System.IO.MemoryMappedFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>A bare array on disk; the system pages in what windows touch.</summary>
internal sealed class MappedSource : IImageSource
{
    private readonly MemoryMappedFile map;
    private readonly MemoryMappedViewAccessor view;
    private readonly RawLayout layout;
    private readonly bool raw;

    /// <param name="path">The file; its length has been checked.</param>
    /// <param name="layout">How the samples lie in it.</param>
    /// <param name="raw">Give 16-bit samples as they are stored instead of on the scale of 8-bit ones.</param>
    public MappedSource(string path, RawLayout layout, bool raw)
    {
        this.layout = layout;
        this.raw = raw;
        map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
    }

    public int Channels => layout.Channels;

    public long Height => layout.Height;

    public long Width => layout.Width;

    public Tensor Read(long top, long left, long height, long width)
    {
        new ImageRegion(top, left, height, width).CheckInside(Height, Width);
        using var scope = NewDisposeScope();
        var packed = empty([height, width, Channels], layout.BitsType);
        var pixelBytes = (long)Channels * layout.SampleBytes;
        var line = checked((int)(width * pixelBytes));
        var target = packed.bytes;
        unsafe
        {
            byte* start = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            try
            {
                for (var y = 0; y < height; y++)
                {
                    var offset = layout.Offset + ((((top + y) * Width) + left) * pixelBytes);
                    new ReadOnlySpan<byte>(start + view.PointerOffset + offset, line).CopyTo(target.Slice(y * line, line));
                }
            }
            finally
            {
                view.SafeMemoryMappedViewHandle.ReleasePointer();
            }
        }

        return Samples(packed.permute(2, 0, 1).unsqueeze(0)).contiguous().MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        view.Dispose();
        map.Dispose();
    }

    private Tensor Samples(Tensor planar)
    {
        if (layout.Samples == RawSamples.Float64)
            return planar.to(ScalarType.Float32);
        if (layout.Samples != RawSamples.UInt16)
            return planar;
        // torch has no arithmetic on uint16: widen the bits as signed and take the sign back out.
        var wide = planar.to(ScalarType.Int32).bitwise_and(0xffff).to(ScalarType.Float32);
        return raw ? wide : wide / 257f;
    }
}
