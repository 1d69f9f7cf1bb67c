using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using NetVips;
using StreamingCnn.Cli.Verification;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Benchmarks;

/// <summary>Who reads the windows.</summary>
internal enum WindowReader
{
    /// <summary>An image source of this library: tensors.</summary>
    Library,

    /// <summary>libvips alone: bytes as they are decoded, no tensor and no libtorch in the process.</summary>
    Libvips,
}

/// <summary>What a pass over all windows of a file cost.</summary>
/// <param name="Pixels">Pixels read.</param>
/// <param name="Seconds">
/// Time of all windows. The file has been opened and its first pixel read before, so that loading libraries does not count.
/// </param>
/// <param name="CpuSeconds">Processor time of it, of all threads together: what else the machine does tells on it least.</param>
/// <param name="PeakBytes">Peak resident memory of the whole process.</param>
/// <param name="Sum">Sum of the first sample of each window, so that both readers can be seen to read the same; bytes only.</param>
internal sealed record PassCost(long Pixels, double Seconds, double CpuSeconds, long PeakBytes, double Sum)
{
    public double Rate => Pixels / 1e6 / Seconds;

    public string ToJson() => JsonSerializer.Serialize(this);

    public static PassCost FromJson(string text) => JsonSerializer.Deserialize<PassCost>(text)!;
}

/// <summary>Reads every pixel of level 0 once, in square windows, row by row.</summary>
internal static class WindowPass
{
    public static PassCost Run(WindowReader reader, string path, int side) =>
        reader == WindowReader.Library ? Library(path, side) : Libvips(path, side);

    private static PassCost Library(string path, int side)
    {
        using var source = ImageSource.Open(path);
        source.Read(0, 0, 1, 1).Dispose();
        var clock = new Clock();
        double sum = 0;
        foreach (var (top, left, height, width) in Windows(source.Height, source.Width, side))
        {
            using var window = source.Read(top, left, height, width);
            if (window.dtype == ScalarType.Byte)
                sum += window.bytes[0];
        }

        return clock.Cost(source.Height * source.Width, sum);
    }

    private static PassCost Libvips(string path, int side)
    {
        using var image = Image.NewFromFile(path, access: Enums.Access.Random);
        _ = image[0, 0];
        var clock = new Clock();
        double sum = 0;
        foreach (var (top, left, height, width) in Windows(image.Height, image.Width, side))
        {
            using var crop = image.Crop(left, top, width, height);
            var pixels = crop.WriteToMemory(out _);
            if (image.Format == Enums.BandFormat.Uchar)
                sum += Marshal.ReadByte(pixels);
            NetVips.NetVips.Free(pixels);
        }

        return clock.Cost((long)image.Height * image.Width, sum);
    }

    private static IEnumerable<(int Top, int Left, int Height, int Width)> Windows(long height, long width, int side)
    {
        for (var top = 0; top < height; top += side)
        {
            for (var left = 0; left < width; left += side)
                yield return (top, left, (int)Math.Min(side, height - top), (int)Math.Min(side, width - left));
        }
    }

    private sealed class Clock
    {
        private readonly TimeSpan cpu = Environment.CpuUsage.TotalTime;
        private readonly Stopwatch watch = Stopwatch.StartNew();

        public PassCost Cost(long pixels, double sum) =>
            new(pixels, watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds, PeakMemory.Bytes, sum);
    }
}
