using System.Buffers;
using NetVips;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Pixels of libvips as a tensor.</summary>
internal static class VipsWindow
{
    // Memory for windows up to this many bytes is kept from one window to the next.
    private const long LargestPooled = 32 << 20;

    /// <summary>Computes an image of bytes or of numbers with 32 bits: [1, bands, height, width].</summary>
    public static Tensor ToTensor(Image window) =>
        window is { Format: Enums.BandFormat.Uchar, Bands: 3 } ? ReadPlanes(window) : ReadPacked(window);

    /// <summary>Computes an image into memory that is there already, pixel by pixel.</summary>
    // libvips' own would be asked for and given back with each window, and the system clears every page of it each time:
    // with the window's tensor beside it that cost more than decoding JPEG tiles does.
    public static unsafe void Write(Image window, Span<byte> samples)
    {
        fixed (byte* start = samples)
        {
            using var target = Image.NewFromMemory(
                (IntPtr)start, (ulong)samples.Length, window.Width, window.Height, window.Bands, window.Format);
            window.Write(target);
        }

        FreedBuffers.Count(samples.Length);
    }

    private static Tensor ReadPlanes(Image window)
    {
        using var scope = NewDisposeScope();
        var size = 3 * window.Height * (long)window.Width;
        var planes = empty([1, 3, window.Height, window.Width], ScalarType.Byte);
        if (size > LargestPooled)
        {
            Fill(empty([size], ScalarType.Byte).bytes);
            return planes.MoveToOuterDisposeScope();
        }

        var pooled = ArrayPool<byte>.Shared.Rent((int)size);
        try
        {
            Fill(pooled.AsSpan(0, (int)size));
            return planes.MoveToOuterDisposeScope();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(pooled);
        }

        void Fill(Span<byte> packed)
        {
            Write(window, packed);
            PlanarPixels.Split(packed, planes.bytes);
        }
    }

    private static Tensor ReadPacked(Image window)
    {
        using var scope = NewDisposeScope();
        var type = window.Format == Enums.BandFormat.Uchar ? ScalarType.Byte : ScalarType.Float32;
        var packed = empty([window.Height, window.Width, window.Bands], type);
        Write(window, packed.bytes);
        if (window.Bands == 1)
            return packed.view(1, 1, window.Height, window.Width).MoveToOuterDisposeScope();
        return packed.permute(2, 0, 1).unsqueeze(0).contiguous().MoveToOuterDisposeScope();
    }
}
