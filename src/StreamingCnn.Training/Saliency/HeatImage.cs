using System.Runtime.InteropServices;
using NetVips;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Maps;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Saliency;

/// <summary>From a raw map to the heat that is shown, and to files of it, in windows and strips.</summary>
internal static class HeatImage
{
    // Beyond three standard deviations a Gaussian is below a hundredth of its height.
    private const double SmallestAmplitude = 0.01;

    // Larger ones take more memory, smaller ones more work at their margins.
    private const long SmallestWindow = 1024;

    /// <summary>
    /// Writes the blurred magnitude of a raw map to another file, window by window, each with a margin that the blur reads.
    /// </summary>
    /// <param name="raw">The raw map.</param>
    /// <param name="heat">One channel, of the same size.</param>
    /// <param name="isSigned">Whether negative values count as 0; otherwise the largest absolute value of the channels is taken.</param>
    /// <param name="blur">Standard deviation in pixels; 0 for none. Beyond the border the image's last pixel goes on.</param>
    public static void Write(RasterFile raw, RasterFile heat, bool isSigned, double blur) => Run(heat.Path, () =>
    {
        var margin = blur <= 0 ? 0 : (long)Math.Ceiling(blur * Math.Sqrt(-2 * Math.Log(SmallestAmplitude))) + 1;
        var side = Math.Max(SmallestWindow, 2 * margin);
        // The same memory for every window: arrays of this size are collected late, and would pile up until then.
        var sharp = new float[Math.Min(side + (2 * margin), raw.Height) * Math.Min(side + (2 * margin), raw.Width)];
        var blurred = blur > 0 ? new float[Math.Min(side, raw.Height) * Math.Min(side, raw.Width)] : sharp;
        for (long top = 0; top < raw.Height; top += side)
        {
            for (long left = 0; left < raw.Width; left += side)
            {
                var window = new ImageRegion(top, left, Math.Min(side, raw.Height - top), Math.Min(side, raw.Width - left));
                var read = Around(window, margin, raw);
                ReadMagnitude(raw, read, isSigned, sharp);
                if (blur > 0)
                    Blur(sharp, read, window, blurred, blur);
                heat.Write(window, blurred);
            }
        }
    });

    /// <summary>Writes a map as a tiled pyramid of float32 in a TIFF file, compressed without loss.</summary>
    /// <param name="map">The map.</param>
    /// <param name="path">The file. It appears complete or not at all; one that is there already is replaced.</param>
    /// <param name="limit">The value at which it is clipped; null not to clip.</param>
    /// <param name="image">What else is known of the map; its size and its samples are passed over.</param>
    /// <param name="missing">Where the image has no data, as NaN in the file; stays the caller's. Null for nowhere.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void WriteTiff(RasterFile map, string path, double? limit, MapImage image, NoDataMask? missing = null)
    {
        using var writer = new PyramidWriter(path, image with
        {
            Height = map.Height,
            Width = map.Width,
            Channels = map.Channels,
            Samples = MapSamples.Float32,
            ChannelNames = image.ChannelNames.Count == map.Channels ? image.ChannelNames : [],
            NoData = missing is null ? null : double.NaN,
        });
        var values = new float[map.BandRows * map.Width * map.Channels];
        foreach (var (top, rows) in map.Bands())
        {
            var band = values.AsSpan(0, (int)(rows * map.Width * map.Channels));
            map.Read(new ImageRegion(top, 0, rows, map.Width), band);
            if (limit is { } most)
                Clip(band, (float)most);
            if (missing is not null)
                Mark(band, map, top, missing);
            writer.Write(MemoryMarshal.AsBytes(band));
        }

        writer.Complete();
    }

    private static void Clip(Span<float> values, float most)
    {
        foreach (ref var value in values)
            value = Math.Clamp(value, 0, most);
    }

    private static void Mark(Span<float> band, RasterFile map, long top, NoDataMask missing)
    {
        var row = (int)map.Width * map.Channels;
        for (var y = 0; y * row < band.Length; y++)
        {
            var isMissing = missing.Row(top + y);
            for (var x = 0; x < isMissing.Length; x++)
            {
                if (isMissing[x])
                    band.Slice((y * row) + (x * map.Channels), map.Channels).Fill(float.NaN);
            }
        }
    }

    private static ImageRegion Around(ImageRegion window, long margin, RasterFile file)
    {
        var (top, left) = (Math.Max(0, window.Top - margin), Math.Max(0, window.Left - margin));
        return new(
            top,
            left,
            Math.Min(file.Height, window.Top + window.Height + margin) - top,
            Math.Min(file.Width, window.Left + window.Width + margin) - left);
    }

    private static void ReadMagnitude(RasterFile raw, ImageRegion region, bool isSigned, float[] target)
    {
        var row = new float[region.Width * raw.Channels];
        var at = 0;
        for (long y = 0; y < region.Height; y++)
        {
            raw.Read(region with { Top = region.Top + y, Height = 1 }, row);
            for (var x = 0; x < row.Length; x += raw.Channels)
            {
                var largest = 0f;
                foreach (var value in row.AsSpan(x, raw.Channels))
                    largest = Math.Max(largest, isSigned ? value : Math.Abs(value));
                target[at++] = largest;
            }
        }
    }

    private static void Blur(float[] sharp, ImageRegion read, ImageRegion window, float[] target, double blur)
    {
        using var image = InMemory(sharp, read.Height, read.Width);
        using var blurred = image.Gaussblur(blur, minAmpl: SmallestAmplitude, precision: Enums.Precision.Float);
        using var inner = blurred.Crop((int)(window.Left - read.Left), (int)(window.Top - read.Top), (int)window.Width, (int)window.Height);
        using var result = InMemory(target, window.Height, window.Width);
        inner.Write(result);
    }

    private static Image InMemory(float[] values, long height, long width) =>
        Image.NewFromMemory<float>(values.AsMemory(0, checked((int)(height * width))), (int)width, (int)height, 1, Enums.BandFormat.Float);

    private static void Run(string path, Action work)
    {
        try
        {
            work();
        }
        catch (Exception error) when (error is VipsException or IOException or UnauthorizedAccessException)
        {
            throw new IOException($"'{path}' cannot be written: {error.Message.Split('\n')[0].TrimEnd('.')}.", error);
        }
    }
}
