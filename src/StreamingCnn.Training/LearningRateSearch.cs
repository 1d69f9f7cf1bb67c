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
    /// does not fall.
    /// </summary>
    public double? Suggestion
    {
        get
        {
            var (steepest, found) = (0.0, (double?)null);
            // At both ends the mean is one of few, and may be low by chance.
            var bottom = Smoothed.Index().Skip(reach).SkipLast(reach).DefaultIfEmpty().MinBy(loss => loss.Item).Index;
            var span = Math.Max(3, Trials.Count / OfSlope);
            for (var i = span; i < Math.Min(bottom, Trials.Count - span); i++)
            {
                // Of the line of least squares through the losses around, to a factor.
                var slope = Enumerable.Range(-span, (2 * span) + 1).Sum(step => step * Trials[i + step].Loss);
                if (slope < steepest)
                    (steepest, found) = (slope, Trials[i].Rate);
            }

            return found;
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
