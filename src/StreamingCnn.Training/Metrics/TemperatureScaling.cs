using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Metrics;

/// <summary>
/// Calibration by one number, by which all scores are divided before they become probabilities (Guo et al., "On calibration of modern
/// neural networks", ICML 2017). It changes no order of images by their score for one of two classes or a label.
/// </summary>
public static class TemperatureScaling
{
    // One divided by these; the loss is convex in that.
    private const double Coldest = 50, Hottest = 0.02;

    /// <summary>The temperature with the least loss. Above 1 where the model is too sure of itself.</summary>
    /// <param name="task">Classes, or labels.</param>
    /// <param name="predictions">The images to choose by, at least one: others than those that were learned from.</param>
    /// <exception cref="NotSupportedException">The task has no probabilities.</exception>
    public static double Fit(LearningTask task, IReadOnlyList<Prediction> predictions)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(predictions);
        var (low, high) = (Math.Log(Hottest), Math.Log(Coldest));
        // The golden section: of convex functions each step leaves the part with the minimum.
        var golden = (Math.Sqrt(5) - 1) / 2;
        double left = high - (golden * (high - low)), right = low + (golden * (high - low));
        double atLeft = Loss(left), atRight = Loss(right);
        while (high - low > 1e-6)
        {
            if (atLeft < atRight)
            {
                (high, right, atRight) = (right, left, atLeft);
                left = high - (golden * (high - low));
                atLeft = Loss(left);
            }
            else
            {
                (low, left, atLeft) = (left, right, atRight);
                right = low + (golden * (high - low));
                atRight = Loss(right);
            }
        }

        return Math.Exp(-(low + high) / 2);

        double Loss(double logarithm)
        {
            var (scored, temperature) = ((ScoredTask)task, Math.Exp(-logarithm));
            return predictions.Average(one => scored.Judge(one.Sample, scored.Tempered(one.Values, temperature)).Loss);
        }
    }
}
