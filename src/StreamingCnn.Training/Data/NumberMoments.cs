using System.Globalization;
using StreamingCnn.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Data;

/// <summary>How many numbers there are, their mean, and the sum of the squares of what they differ from it by.</summary>
/// <param name="Count">How many.</param>
/// <param name="Mean">Mean; 0 where there are none.</param>
/// <param name="Squares">Sum of squared differences from the mean.</param>
internal readonly record struct NumberMoments(double Count, double Mean, double Squares)
{
    private const long Side = 1024;

    /// <summary>Standard deviation; 0 where there are no numbers.</summary>
    public double Deviation => Count > 0 ? Math.Sqrt(Squares / Count) : 0;

    /// <summary>The moments of two parts together (Chan, Golub and LeVeque, 1983).</summary>
    public static NumberMoments operator +(NumberMoments one, NumberMoments other)
    {
        var count = one.Count + other.Count;
        var apart = other.Mean - one.Mean;
        return count == 0
            ? default
            : new(
                count,
                one.Mean + (apart * other.Count / count),
                one.Squares + other.Squares + (apart * apart * one.Count * other.Count / count));
    }

    /// <summary>Reads a map of numbers through, window by window.</summary>
    /// <param name="map">The map; NaN is no number.</param>
    /// <param name="path">What to call it.</param>
    /// <returns>The moments of each channel.</returns>
    /// <exception cref="ImageFormatException">A number is infinite, or a window cannot be read.</exception>
    public static NumberMoments[] Of(IImageSource map, string path)
    {
        var all = new NumberMoments[map.Channels];
        for (long top = 0; top < map.Height; top += Side)
        {
            for (long left = 0; left < map.Width; left += Side)
            {
                using var scope = NewDisposeScope();
                var window = map.Read(top, left, Math.Min(Side, map.Height - top), Math.Min(Side, map.Width - left));
                for (var channel = 0; channel < all.Length; channel++)
                    all[channel] += Of(window.narrow(1, channel, 1).to(ScalarType.Float64).contiguous(), path, top, left);
            }
        }

        return all;
    }

    private static NumberMoments Of(Tensor window, string path, long top, long left)
    {
        double count = 0, sum = 0, squares = 0;
        var (values, width) = (window.data<double>().ToArray(), window.shape[3]);
        foreach (var (place, value) in values.Index())
        {
            if (double.IsInfinity(value))
            {
                throw new ImageFormatException(path, string.Create(
                    CultureInfo.InvariantCulture,
                    $"the map is infinite at row {top + (place / width)}, column {left + (place % width)}; write NaN, or a value that is ignored, where there is no number."));
            }

            if (!double.IsNaN(value))
                (count, sum) = (count + 1, sum + value);
        }

        if (count == 0)
            return default;
        var mean = sum / count;
        foreach (var value in values)
        {
            if (!double.IsNaN(value))
                squares += (value - mean) * (value - mean);
        }

        return new(count, mean, squares);
    }
}
