using System.Globalization;

namespace StreamingCnn.Training.Metrics;

/// <summary>Where a metric would lie for other images of the same kind.</summary>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
/// <param name="Level">Confidence, such as 0.95.</param>
/// <param name="Method">How it was found, as a phrase for people.</param>
public sealed record ConfidenceInterval(double Low, double High, double Level, string Method)
{
    /// <summary>The ends as <c>0.812 to 0.934</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Metric.Format(Low)} to {Metric.Format(High)}");
}
