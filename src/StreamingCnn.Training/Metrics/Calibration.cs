namespace StreamingCnn.Training.Metrics;

/// <summary>Predictions of about the same probability.</summary>
/// <param name="Low">Lowest probability of the bin.</param>
/// <param name="High">Highest.</param>
/// <param name="Count">Predictions in it.</param>
/// <param name="MeanProbability">Their mean; NaN where there are none.</param>
/// <param name="Frequency">Share of them that came true; NaN where there are none.</param>
public readonly record struct CalibrationBin(double Low, double High, int Count, double MeanProbability, double Frequency);

/// <summary>Whether what is predicted with a probability comes true as often.</summary>
public sealed class Calibration
{
    private Calibration(IReadOnlyList<CalibrationBin> bins) => Bins = bins;

    /// <summary>Bins of equal width from 0 to 1: the points of a reliability diagram.</summary>
    public IReadOnlyList<CalibrationBin> Bins { get; }

    /// <summary>
    /// Expected calibration error: mean distance between probability and frequency over the bins, weighted by their counts (Naeini, Cooper
    /// and Hauskrecht, 2015; Guo et al., "On calibration of modern neural networks", 2017). NaN where there are no predictions.
    /// </summary>
    public double ExpectedError
    {
        get
        {
            var filled = Bins.Where(bin => bin.Count > 0).ToArray();
            return filled.Sum(bin => bin.Count * Math.Abs(bin.MeanProbability - bin.Frequency)) / filled.Sum(bin => (double)bin.Count);
        }
    }

    /// <summary>Sorts predictions into bins.</summary>
    /// <param name="probabilities">Predicted probabilities.</param>
    /// <param name="cameTrue">Whether what they were given for came true.</param>
    /// <param name="bins">Number of bins. A probability on the border of two is in the higher one, 1 in the last.</param>
    /// <exception cref="ArgumentException">The lists differ in length, or a number is no probability.</exception>
    public static Calibration Of(IReadOnlyList<double> probabilities, IReadOnlyList<bool> cameTrue, int bins = 10)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        ArgumentNullException.ThrowIfNull(cameTrue);
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        MetricInput.RequireSameLength(probabilities.Count, cameTrue.Count, "probabilities as truths");
        MetricInput.RequireProbabilities(probabilities, "the probabilities");
        var members = Enumerable.Range(0, probabilities.Count).ToLookup(i => Math.Min((int)(probabilities[i] * bins), bins - 1));
        return new([.. Enumerable.Range(0, bins).Select(bin =>
        {
            var inside = members[bin].ToArray();
            return new CalibrationBin(
                (double)bin / bins,
                (bin + 1.0) / bins,
                inside.Length,
                inside.Length > 0 ? inside.Average(i => probabilities[i]) : double.NaN,
                inside.Length > 0 ? inside.Average(i => cameTrue[i] ? 1.0 : 0.0) : double.NaN);
        })]);
    }
}
