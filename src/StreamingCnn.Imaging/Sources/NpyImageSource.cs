using System.IO.MemoryMappedFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>A NumPy array on disk; the system pages in what windows touch.</summary>
internal sealed class NpyImageSource : IImageSource
{
    private readonly MemoryMappedFile map;
    private readonly MemoryMappedViewAccessor view;
    private readonly NpyHeader header;
    private readonly bool raw;

    public NpyImageSource(ImageInfo info, NpyHeader header, bool raw)
    {
        (Channels, Height, Width) = (info.Bands, info.Height, info.Width);
        this.header = header;
        this.raw = raw;
        map = MemoryMappedFile.CreateFromFile(info.Path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        view = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
    }

    public int Channels { get; }

    public long Height { get; }

    public long Width { get; }

    public Tensor Read(long top, long left, long height, long width)
    {
        new ImageRegion(top, left, height, width).CheckInside(Height, Width);
        using var scope = NewDisposeScope();
        var type = (header.Kind, header.ItemSize) switch
        {
            ('u', 2) => ScalarType.Int16,
            ('f', 4) => ScalarType.Float32,
            ('f', 8) => ScalarType.Float64,
            _ => ScalarType.Byte,
        };
        var packed = empty([height, width, Channels], type);
        var line = checked((int)(width * Channels * header.ItemSize));
        var target = packed.bytes;
        unsafe
        {
            byte* start = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
            try
            {
                for (var y = 0; y < height; y++)
                {
                    var offset = header.DataOffset + ((((top + y) * Width) + left) * Channels * header.ItemSize);
                    new ReadOnlySpan<byte>(start + view.PointerOffset + offset, line).CopyTo(target.Slice(y * line, line));
                }
            }
            finally
            {
                view.SafeMemoryMappedViewHandle.ReleasePointer();
            }
        }

        var planar = packed.permute(2, 0, 1).unsqueeze(0);
        if (header is { Kind: 'u', ItemSize: 2 })
        {
            // torch has no arithmetic on uint16: widen the bits as signed and take the sign back out.
            var wide = planar.to(ScalarType.Int32).bitwise_and(0xffff).to(ScalarType.Float32);
            planar = raw ? wide : wide / 257f;
        }

        return planar.contiguous().MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        view.Dispose();
        map.Dispose();
    }
}
