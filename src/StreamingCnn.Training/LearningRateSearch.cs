namespace StreamingCnn.Training;

/// <summary>
/// What came of a learning-rate range test: updates at rates that grow exponentially, each from the weights that the one before has left
/// (Smith, "Cyclical learning rates for training neural networks", WACV 2017).
/// </summary>
public sealed class LearningRateSearch
{
    /// <summary>The rate of the first update.</summary>
    public const double Lowest = 1e-7;

    /// <summary>The rate of the last update.</summary>
    public const double Highest = 10;

    /// <summary>The fewest updates that tell anything.</summary>
    public const int FewestUpdates = 20;

    // Batches differ in how hard they are: a few are looked at before the test ends.
    private const int Looked = 5;

    // Times the lowest loss; beyond that there is no way back.
    private const double Far = 4;

    // Of all updates, this share to each side is in the mean, and in the line that tells the slope.
    private const int OfMean = 16;
    private const int OfSlope = 10;

    // Standard errors of a slope. Of tests in which nothing is learnt, with 20 to 200 updates, one in 200 has a line that is steeper.
    private const double Certain = 4;

    private readonly int reach;

    /// <summary>Takes a test for what it has come to.</summary>
    /// <param name="trials">The updates, from the lowest rate on.</param>
    public LearningRateSearch(IReadOnlyList<RateTrial> trials)
    {
        ArgumentNullException.ThrowIfNull(trials);
        Trials = trials;
        reach = Math.Max(2, trials.Count / OfMean);
        // As many to the left as to the right: a mean of what came before alone would show all that happens too late.
        Smoothed =
        [
            .. trials.Select((_, i) => Math.Min(reach, Math.Min(i, trials.Count - 1 - i)))
                .Select((near, i) => trials.Skip(i - near).Take((2 * near) + 1).Average(trial => trial.Loss)),
        ];
    }

    /// <summary>The updates, from the lowest rate on.</summary>
    public IReadOnlyList<RateTrial> Trials { get; }

    /// <summary>Of each update the mean loss of those around it.</summary>
    public IReadOnlyList<double> Smoothed { get; }

    /// <summary>Whether the loss rose so far that the test ended.</summary>
    public bool HasDiverged
    {
        get
        {
            if (Trials.Count == 0 || !double.IsFinite(Trials[^1].Loss))
                return Trials.Count > 0;
            double[] means = [.. Enumerable.Range(0, Math.Max(0, Trials.Count - Looked + 1))
                .Select(first => Trials.Skip(first).Take(Looked).Average(trial => trial.Loss))];
            return means.Length > 0 && means[^1] > Far * means.Min();
        }
    }

    /// <summary>
    /// The rate at which the loss falls most steeply over the logarithm of the rate, before the minimum of the smoothed loss; null where it
    /// falls no more than batches differ by chance.
    /// </summary>
    public double? Suggestion
    {
        get
        {
            // At both ends the mean is one of few, and may be low by chance.
            var bottom = Smoothed.Index().Skip(reach).SkipLast(reach).DefaultIfEmpty().MinBy(loss => loss.Item).Index;
            var span = Math.Max(3, Trials.Count / OfSlope);
            var last = Math.Min(bottom, Trials.Count - span);
            (int Update, double Slope, double Scatter)[] lines =
                [.. Enumerable.Range(span, Math.Max(0, last - span)).Select(Line).Where(line => double.IsFinite(line.Slope))];
            if (lines.Length == 0)
                return null;

            var steepest = lines.MinBy(line => line.Slope);
            var ofSlope = Math.Sqrt(lines.Average(line => line.Scatter) / Squares(span));
            return steepest.Slope < -Certain * ofSlope ? Trials[steepest.Update].Rate : null;

            // The line of least squares through the losses around, and the variance of what it leaves over.
            (int Update, double Slope, double Scatter) Line(int update)
            {
                int[] steps = [.. Enumerable.Range(-span, (2 * span) + 1)];
                var mean = steps.Average(step => Trials[update + step].Loss);
                var slope = steps.Sum(step => step * Trials[update + step].Loss) / Squares(span);
                var left = steps.Sum(step => Math.Pow(Trials[update + step].Loss - mean - (slope * step), 2));
                return (update, slope, left / (steps.Length - 2));
            }

            static double Squares(int span) => span * (span + 1) * ((2 * span) + 1) / 3.0;
        }
    }

    /// <summary>The rate of an update.</summary>
    /// <param name="update">The update, from 0.</param>
    /// <param name="updates">How many there are at most.</param>
    public static double Rate(int update, int updates) => Lowest * Math.Pow(Highest / Lowest, update / (updates - 1.0));
}

/// <summary>One update of a learning-rate range test.</summary>
/// <param name="Rate">Its learning rate.</param>
/// <param name="Loss">The mean loss of its images before it; infinite where that was no number.</param>
public readonly record struct RateTrial(double Rate, double Loss);
