using Microsoft.Win32.SafeHandles;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>
/// A bare array on disk. Windows are read, not mapped into memory: where a mapped file is cut short, the system ends
/// the process that touches it.
/// </summary>
internal sealed class ArraySource : IImageSource
{
    private readonly string path;
    private readonly RawLayout layout;
    private readonly bool raw;
    private readonly SafeFileHandle file;
    private readonly DateTime written;

    /// <param name="path">The file.</param>
    /// <param name="layout">How the samples lie in it.</param>
    /// <param name="raw">Give 16-bit samples as they are stored instead of on the scale of 8-bit ones.</param>
    /// <exception cref="ImageFormatException">The file cannot be opened, or is shorter than the layout.</exception>
    public ArraySource(string path, RawLayout layout, bool raw)
    {
        (this.path, this.layout, this.raw) = (path, layout, raw);
        try
        {
            file = File.OpenHandle(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw ImageFormatException.Unreadable(path, error);
        }

        try
        {
            layout.Check(path, RandomAccess.GetLength(file));
            written = File.GetLastWriteTimeUtc(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
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
        // Whole rows lie one behind the other.
        var rows = width == Width ? 1 : height;
        var size = checked((int)(height / rows * width * pixelBytes));
        var target = packed.bytes;
        for (var y = 0; y < rows; y++)
            Fill(target.Slice(y * size, size), layout.Offset + ((((top + y) * Width) + left) * pixelBytes));
        if (File.GetLastWriteTimeUtc(file) != written)
            throw Changed();

        return Samples(packed.permute(2, 0, 1).unsqueeze(0)).contiguous().MoveToOuterDisposeScope();
    }

    public void Dispose() => file.Dispose();

    private void Fill(Span<byte> bytes, long offset)
    {
        while (!bytes.IsEmpty)
        {
            var got = Read(bytes, offset);
            if (got == 0)
                throw Changed();
            bytes = bytes[got..];
            offset += got;
        }
    }

    private int Read(Span<byte> bytes, long offset)
    {
        try
        {
            return RandomAccess.Read(file, bytes, offset);
        }
        catch (IOException error)
        {
            throw ImageFormatException.Unreadable(path, error);
        }
    }

    private ImageFormatException Changed() =>
        new(path, "the file was changed while it was read; leave it as it is until the program has ended.");

    private Tensor Samples(Tensor planar)
    {
        if (layout.Samples == RawSamples.Float64)
            return planar.to(ScalarType.Float32);
        if (layout.Samples != RawSamples.UInt16)
            return planar;
        // torch has no arithmetic on uint16: widen the bits as signed and take the sign back out.
        var wide = planar.to(ScalarType.Int32).bitwise_and(0xffff).to(ScalarType.Float32);
        if (raw)
            return wide;
        using Scalar stepsOfAByte = 257f;
        return wide.div(stepsOfAByte);
    }
}
