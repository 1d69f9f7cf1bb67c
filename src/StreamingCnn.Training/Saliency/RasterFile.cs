using System.Runtime.InteropServices;
using StreamingCnn.Distributed;
using StreamingCnn.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>
/// An image of float32 numbers in a temporary file, channels of a pixel side by side, whose rows may be written in any order. Memory holds
/// a band of rows at a time. The file is deleted with the object.
/// </summary>
internal sealed class RasterFile : IDisposable
{
    private const long BandBytes = 4 << 20;

    private readonly FileStream file;

    /// <summary>Makes a file of zeros.</summary>
    /// <exception cref="IOException">The folder is not there, or has no room.</exception>
    public RasterFile(string folder, long height, long width, int channels)
    {
        (Height, Width, Channels) = (height, width, channels);
        Path = System.IO.Path.Combine(folder, $"saliency-{Guid.NewGuid():N}.tmp");
        var needed = checked(height * RowBytes);
        if (Directory.Exists(folder) && new DriveInfo(folder).AvailableFreeSpace is var free && free < needed)
            throw new IOException(FormattableString.Invariant($"The map of {height} x {width} px needs a temporary file of {needed / 1e9:0.00} GB, but '{folder}' has {free / 1e9:0.00} GB free."));
        file = new FileStream(Path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read, bufferSize: 1);
        // A program that is told to end runs no finally blocks, and these files are large.
        AppDomain.CurrentDomain.ProcessExit += Delete;
        file.SetLength(needed);
    }

    public string Path { get; }

    public long Height { get; }

    public long Width { get; }

    public int Channels { get; }

    /// <summary>Rows that make a band.</summary>
    public long BandRows => Math.Clamp(BandBytes / RowBytes, 1, Height);

    private long RowBytes => Width * Channels * sizeof(float);

    /// <summary>All bands, from the top.</summary>
    public IEnumerable<(long Top, long Rows)> Bands()
    {
        for (long top = 0; top < Height; top += BandRows)
            yield return (top, Math.Min(BandRows, Height - top));
    }

    /// <summary>Adds to what stands in some rows.</summary>
    /// <param name="top">The first row.</param>
    /// <param name="values">[1, C, rows, W], of any type, on any device.</param>
    /// <param name="factor">Factor of the values.</param>
    /// <param name="replace">Whether nothing stands there yet.</param>
    public void Add(long top, Tensor values, double factor, bool replace)
    {
        var rows = values.shape[2];
        for (long first = 0; first < rows; first += BandRows)
        {
            using var scope = NewDisposeScope();
            using var pause = replace && factor == 1 ? null : new CollectionPause();
            var count = Math.Min(BandRows, rows - first);
            var part = values.detach().narrow(2, first, count).to(ScalarType.Float32).cpu();
            if (factor != 1)
                part = part * factor;
            if (!replace)
                part = part + Read(top + first, count);
            Write(top + first, part);
        }
    }

    /// <summary>Writes some rows.</summary>
    /// <param name="top">The first row.</param>
    /// <param name="values">[1, C, rows, W], float32.</param>
    public void Write(long top, Tensor values)
    {
        using var scope = NewDisposeScope();
        RandomAccess.Write(file.SafeFileHandle, values[0].permute(1, 2, 0).contiguous().bytes, top * RowBytes);
    }

    /// <summary>Writes a window.</summary>
    /// <param name="window">Where.</param>
    /// <param name="values">Row by row, channels of a pixel side by side; what is left over is not looked at.</param>
    public void Write(ImageRegion window, ReadOnlySpan<float> values)
    {
        // Whole rows lie one behind the other.
        var (rows, row) = window.Width == Width
            ? (1, (int)(window.Height * window.Width) * Channels)
            : ((int)window.Height, (int)window.Width * Channels);
        for (var y = 0; y < rows; y++)
            RandomAccess.Write(file.SafeFileHandle, MemoryMarshal.AsBytes(values.Slice(y * row, row)), Place(window.Top + y, window.Left));
    }

    /// <summary>
    /// Of processes that share an image, and have written their part of it each, with zeros elsewhere: gives all of them the sum.
    /// </summary>
    /// <param name="options">How the model is streamed, which says whether others share the image.</param>
    public void Join(StreamingOptions options)
    {
        if (options.SplitOver is not { Size: > 1 } ranks)
            return;
        foreach (var (top, rows) in Bands())
        {
            using var scope = NewDisposeScope();
            var band = Read(top, rows);
            ranks.Sum(band);
            Write(top, band);
        }
    }

    /// <summary>Reads some rows.</summary>
    /// <returns>[1, C, rows, W], float32.</returns>
    public Tensor Read(long top, long rows) => Read(new ImageRegion(top, 0, rows, Width));

    /// <summary>Reads a window.</summary>
    /// <returns>[1, C, height, width], float32.</returns>
    public Tensor Read(ImageRegion window)
    {
        using var scope = NewDisposeScope();
        var packed = empty([window.Height, window.Width, Channels], ScalarType.Float32);
        Read(window, MemoryMarshal.Cast<byte, float>(packed.bytes));
        return packed.permute(2, 0, 1).unsqueeze(0).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>Reads a window.</summary>
    /// <param name="window">Where.</param>
    /// <param name="values">Row by row, channels of a pixel side by side.</param>
    public void Read(ImageRegion window, Span<float> values)
    {
        // Whole rows lie one behind the other.
        var rows = window.Width == Width ? 1 : (int)window.Height;
        var size = values.Length / rows;
        for (var y = 0; y < rows; y++)
            Fill(MemoryMarshal.AsBytes(values.Slice(y * size, size)), Place(window.Top + y, window.Left));
    }

    private long Place(long row, long column) => (row * RowBytes) + (column * Channels * sizeof(float));

    private void Fill(Span<byte> bytes, long offset)
    {
        while (!bytes.IsEmpty)
        {
            var got = RandomAccess.Read(file.SafeFileHandle, bytes, offset);
            if (got == 0)
                throw new EndOfStreamException($"The temporary file '{Path}' has been cut short.");
            bytes = bytes[got..];
            offset += got;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= Delete;
        Delete(null, EventArgs.Empty);
    }

    private void Delete(object? sender, EventArgs arguments)
    {
        file.Dispose();
        File.Delete(Path);
    }
}
