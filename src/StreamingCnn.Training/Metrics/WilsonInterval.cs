namespace StreamingCnn.Training.Metrics;

/// <summary>
/// The interval of a share of independent images (Wilson, "Probable inference, the law of succession, and statistical inference", JASA,
/// 1927). It has a width also where all are counted, or none, as resampling has not.
/// </summary>
public static class WilsonInterval
{
    /// <summary>What it is called.</summary>
    public const string Method = "Wilson's score interval";

    /// <summary>The interval.</summary>
    /// <param name="count">How many are counted.</param>
    /// <param name="of">Of how many.</param>
    /// <param name="level">Confidence, between 0 and 1.</param>
    /// <returns>The interval; null of no images.</returns>
    public static ConfidenceInterval? Of(int count, int of, double level = 0.95)
    {
        if (of == 0)
            return null;
        var z = Quantile((1 + level) / 2);
        double share = (double)count / of, square = z * z / of;
        var middle = (share + (square / 2)) / (1 + square);
        var half = z / (1 + square) * Math.Sqrt((share * (1 - share) / of) + (square / (4 * of)));
        return new(count == 0 ? 0 : middle - half, count == of ? 1 : middle + half, level, Method);
    }

    /// <summary>The quantile of the normal distribution, by bisection of its cumulative function.</summary>
    private static double Quantile(double share)
    {
        double low = 0, high = 10;
        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = Cumulative(middle) < share ? (middle, high) : (low, middle);
        }

        return low;
    }

    /// <summary>The integral of the density from minus infinity, by Simpson's rule on 2000 steps from 0.</summary>
    private static double Cumulative(double x)
    {
        const int Steps = 2000;
        var step = x / Steps;
        var sum = 1 + Math.Exp(-x * x / 2);
        for (var i = 1; i < Steps; i++)
            sum += (i % 2 == 0 ? 2 : 4) * Math.Exp(-(i * step) * (i * step) / 2);
        return 0.5 + (sum * step / 3 / Math.Sqrt(2 * Math.PI));
    }
}
