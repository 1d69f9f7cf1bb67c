using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>
/// Sums over pixels, in double precision, since squares of gigapixels do not fit into less, and some of the values
/// themselves.
/// </summary>
internal sealed class PixelSums(int channels)
{
    private const long Side = 1024;

    // Of a large image so many windows are read down and across.
    private const int Places = 5;

    // So many values of each window are kept, and of all together.
    private const int OfWindow = 4096;
    private const int OfAll = 1 << 20;

    private readonly double[] sums = new double[channels];
    private readonly double[] squares = new double[channels];
    private readonly double[] counts = new double[channels];
    private readonly List<float> kept = [];
    private int step = 1;
    private long seen;

    public int Channels => channels;

    /// <summary>Adds all pixels.</summary>
    public void Add(IImageSource source)
    {
        for (long top = 0; top < source.Height; top += Side)
        {
            for (long left = 0; left < source.Width; left += Side)
                AddWindow(source, top, left);
        }
    }

    /// <summary>Adds all pixels of an image, or of a large one those in a grid of windows.</summary>
    public void AddSome(IImageSource source)
    {
        if (source.Height * source.Width <= ImageCheck.SmallPixels)
        {
            Add(source);
            return;
        }

        foreach (var top in Starts(source.Height))
        {
            foreach (var left in Starts(source.Width))
                AddWindow(source, top, left);
        }
    }

    public double Mean(int channel) => counts[channel] > 0 ? sums[channel] / counts[channel] : 0;

    public double Variance(int channel) => counts[channel] > 0 ? (squares[channel] / counts[channel]) - (Mean(channel) * Mean(channel)) : 0;

    public PixelStatistics Statistics()
    {
        kept.Sort();
        return new(
            [.. Enumerable.Range(0, channels).Select(Mean)],
            [.. Enumerable.Range(0, channels).Select(Deviation)],
            Percentile(0.01),
            Percentile(0.99));

        double Percentile(double share) => kept.Count == 0 ? 0 : kept[(int)Math.Round(share * (kept.Count - 1))];

        // What is left of a constant after subtraction is rounding, by which nothing must be divided.
        double Deviation(int channel) =>
            Variance(channel) is var variance && variance > 1e-12 * Math.Max(Mean(channel) * Mean(channel), 1e-12)
                ? Math.Sqrt(variance) : 1;
    }

    private static IEnumerable<long> Starts(long length) =>
        Enumerable.Range(0, Places).Select(place => Math.Max(0, length - Side) * place / (Places - 1)).Distinct();

    private void AddWindow(IImageSource source, long top, long left)
    {
        using var scope = NewDisposeScope();
        var values = FloatPixels.Of(source.Read(top, left, Math.Min(Side, source.Height - top), Math.Min(Side, source.Width - left)));
        for (var channel = 0; channel < channels; channel++)
        {
            double sum = 0, square = 0;
            long count = 0;
            for (var row = channel * values.Height; row < (channel + 1) * values.Height; row++)
            {
                foreach (var value in values[row])
                {
                    if (float.IsNaN(value))
                        continue;
                    sum += value;
                    square += (double)value * value;
                    count++;
                }
            }

            (sums[channel], squares[channel], counts[channel]) = (sums[channel] + sum, squares[channel] + square, counts[channel] + count);
        }

        Keep(values);
    }

    /// <summary>Keeps values in even steps; where they become too many, every second of them, and of later ones fewer.</summary>
    private void Keep(FloatPixels values)
    {
        // No multiple of the width: the same columns would be taken in every row.
        var stride = Math.Max(1, values.Length / OfWindow) | 1;
        for (long i = 0; i < values.Length; i += stride)
        {
            var value = values[i / values.Width][(int)(i % values.Width)];
            if (!float.IsNaN(value) && seen++ % step == 0)
                kept.Add(value);
        }

        while (kept.Count > OfAll)
        {
            var half = kept.Where((_, i) => i % 2 == 0).ToArray();
            kept.Clear();
            kept.AddRange(half);
            step *= 2;
        }
    }
}
