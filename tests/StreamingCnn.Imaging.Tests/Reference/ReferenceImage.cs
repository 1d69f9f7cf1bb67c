using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Reference;

/// <summary>An image as a decoder that shares no code with libvips gives it: stored samples, nothing converted.</summary>
internal abstract class ReferenceImage : IDisposable
{
    public abstract int Height { get; }

    public abstract int Width { get; }

    public abstract int Bands { get; }

    /// <summary>Opens a file by its content.</summary>
    /// <param name="path">A PNG, JPEG or TIFF file.</param>
    /// <param name="level">Level of a pyramid in a TIFF file.</param>
    public static ReferenceImage Open(string path, int level = 0)
    {
        var head = new byte[4];
        using (var file = File.OpenRead(path))
            file.ReadExactly(head);
        return head switch
        {
            [0x89, ..] => new ReferencePng(File.ReadAllBytes(path)),
            [0xff, 0xd8, ..] => new ReferenceJpeg(File.ReadAllBytes(path)),
            _ => new ReferenceTiff(path, level),
        };
    }

    /// <summary>One stored sample.</summary>
    public abstract float Sample(int y, int x, int band);

    /// <summary>A window of all bands: [1, bands, height, width] of float32.</summary>
    public Tensor Read(long top, long left, long height, long width)
    {
        var values = new float[Bands * height * width];
        for (var i = 0; i < values.Length; i++)
        {
            var (band, place) = (i / (height * width), i % (height * width));
            values[i] = Sample((int)(top + (place / width)), (int)(left + (place % width)), (int)band);
        }

        return tensor(values, [1, Bands, height, width]);
    }

    public virtual void Dispose()
    {
    }
}
