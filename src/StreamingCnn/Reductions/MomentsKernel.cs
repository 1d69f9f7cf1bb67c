using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Reductions;

/// <summary>
/// Moments of float32 maps on the processor, and their gradients, each in one reading of the memory: norms in training take them of every
/// map of a network, and the library would read several times as much.
/// </summary>
/// <remarks>
/// A map is cut into bands, and a band into chunks that stay in the nearest cache. Of a chunk the mean is taken roughly, then the sums of
/// what differs from it, and of its squares; chunks are merged in float64. Bands do not depend on the number of threads, so neither do the
/// bits that come out.
/// </remarks>
internal static unsafe class MomentsKernel
{
    private const long BandBytes = 1 << 20;
    private const int ChunkBytes = 1 << 16;
    private const int LongestChunk = 256;

    /// <summary>Whether a rectangle can be read so.</summary>
    public static bool Reads(Tensor rectangle) =>
        Vector256.IsHardwareAccelerated && rectangle.dtype == ScalarType.Float32 && rectangle.device.type == DeviceType.CPU
        && (rectangle.stride(1) == 1 || rectangle.stride(3) == 1);

    /// <summary>The moments of a rectangle's bands.</summary>
    /// <param name="rectangle">[N, C, h, w], of which <see cref="Reads"/> is true.</param>
    /// <returns>Means and squares [bands, N, C], and counts [bands, N, 1].</returns>
    public static (Tensor Means, Tensor Squares, Tensor Counts) Moments(Tensor rectangle)
    {
        var map = new StridedMap(rectangle);
        RectangleBlock[] bands = [.. RectangleBlock.Of(rectangle, BandBytes)];
        var values = map.Batch * map.Channels;
        var (means, squares) = (new double[bands.Length * values], new double[bands.Length * values]);
        OverBands(bands.Length, band =>
        {
            for (var image = 0; image < map.Batch; image++)
            {
                var place = (band * values) + (image * map.Channels);
                Add(map, image, bands[band], means.AsSpan(place, map.Channels), squares.AsSpan(place, map.Channels));
            }
        });
        GC.KeepAlive(rectangle);

        long[] shape = [bands.Length, map.Batch, map.Channels];
        var counts = tensor(bands.Select(band => (double)band.Positions).ToArray(), device: CPU).view(bands.Length, 1, 1);
        var (ofMeans, ofSquares) = (tensor(means, device: CPU).view(shape), tensor(squares, device: CPU).view(shape));
        return (ofMeans, ofSquares, counts.expand(bands.Length, map.Batch, 1));
    }

    /// <summary>A line through each channel's values: flat + steep (x - centre).</summary>
    /// <param name="rectangle">x [N, C, h, w], of which <see cref="Reads"/> is true.</param>
    /// <param name="result">Where it is written to, in the same memory format.</param>
    /// <param name="centre">[N, C, 1, 1], as are the others.</param>
    /// <param name="flat">The value at the centre.</param>
    /// <param name="steep">The steepness.</param>
    public static void Line(Tensor rectangle, Tensor result, Tensor centre, Tensor flat, Tensor steep)
    {
        var (map, written) = (new StridedMap(rectangle), new StridedMap(result));
        RectangleBlock[] bands = [.. RectangleBlock.Of(rectangle, BandBytes)];
        var (centres, flats, steeps) = (centre.data<float>().ToArray(), flat.data<float>().ToArray(), steep.data<float>().ToArray());
        OverBands(bands.Length, band =>
        {
            for (var image = 0; image < map.Batch; image++)
            {
                var (place, count) = (image * map.Channels, map.Channels);
                var line = new ChannelLines(centres.AsSpan(place, count), flats.AsSpan(place, count), steeps.AsSpan(place, count));
                Line(map, written, image, bands[band], line);
            }
        });
        GC.KeepAlive(rectangle);
        GC.KeepAlive(result);
    }

    private static void OverBands(int bands, Action<int> action)
    {
        var threads = Math.Min(bands, get_num_threads());
        if (threads > 1)
        {
            Parallel.For(0, bands, new ParallelOptions { MaxDegreeOfParallelism = threads }, action);
        }
        else
        {
            for (var band = 0; band < bands; band++)
                action(band);
        }
    }

    private static void Add(in StridedMap map, int image, in RectangleBlock band, Span<double> means, Span<double> squares)
    {
        var isLast = map.ChannelStride == 1;
        var longest = isLast ? Math.Clamp(ChunkBytes / (sizeof(float) * map.Channels), 16, LongestChunk) : ChunkBytes / 4 / sizeof(float);
        var columns = (int)Math.Min(band.Width, longest);
        var rows = columns < band.Width ? 1 : (int)Math.Min(band.Height, longest / columns);
        Span<float> centre = new float[map.Channels], sum = new float[map.Channels], ofSquares = new float[map.Channels];
        long before = 0;
        for (long top = 0; top < band.Height; top += rows)
        {
            for (long left = 0; left < band.Width; left += columns)
            {
                var (height, width) = ((int)Math.Min(rows, band.Height - top), (int)Math.Min(columns, band.Width - left));
                var start = map.At(image, band.Top + top, band.Left + left);
                var chunk = new MomentsChunk(start, height, width, map.RowStride, map.ColumnStride);
                if (isLast)
                    chunk.ChannelsLast(centre, sum, ofSquares);
                else
                    chunk.ChannelsFirst(map.ChannelStride, centre, sum, ofSquares);
                Merge(means, squares, before, centre, sum, ofSquares, height * width);
                before += height * width;
            }
        }
    }

    /// <summary>Chan's formula.</summary>
    private static void Merge(
        Span<double> means,
        Span<double> squares,
        long before,
        ReadOnlySpan<float> centre,
        ReadOnlySpan<float> sum,
        ReadOnlySpan<float> ofSquares,
        int count)
    {
        var (each, share) = (1.0 / count, (double)count / (before + count));
        var between = before * share;
        for (var channel = 0; channel < means.Length; channel++)
        {
            var rest = sum[channel] * each;
            var difference = centre[channel] + rest - means[channel];
            means[channel] += difference * share;
            squares[channel] += Math.Max(0, ofSquares[channel] - (sum[channel] * rest)) + (difference * difference * between);
        }
    }

    private static void Line(in StridedMap map, in StridedMap written, int image, in RectangleBlock band, in ChannelLines line)
    {
        for (var row = band.Top; row < band.Top + band.Height; row++)
        {
            float* read = map.At(image, row, band.Left), write = written.At(image, row, band.Left);
            if (map.ChannelStride == 1)
            {
                for (long column = 0; column < band.Width; column++)
                    line.AtPosition(read + (column * map.ColumnStride), write + (column * written.ColumnStride));
            }
            else
            {
                for (var channel = 0; channel < map.Channels; channel++)
                    line.AlongChannel(channel, read + (channel * map.ChannelStride), write + (channel * written.ChannelStride), band.Width);
            }
        }
    }
}
