namespace StreamingCnn.Imaging.DataSets;

/// <summary>
/// The order of images in an epoch: shuffled, or drawn with weights, shared out among the processes of a distributed run.
/// </summary>
/// <remarks>Every process computes the same global order from the seed and takes every n-th of it, so together they see it once.</remarks>
public sealed class EpochSampler
{
    private readonly int count;
    private readonly double[]? cumulated;
    private readonly int seed;

    private EpochSampler(int count, double[]? weights, int seed)
    {
        this.count = count;
        this.seed = seed;
        if (weights is null)
            return;
        cumulated = new double[weights.Length];
        double sum = 0;
        for (var i = 0; i < weights.Length; i++)
            cumulated[i] = sum += weights[i];
    }

    /// <summary>Every image once per epoch, in an order of its own each time.</summary>
    public static EpochSampler Shuffled(ImageDataSet data, int seed) => new(data.Items.Count, null, seed);

    /// <summary>Drawn with replacement so that each class is as likely as any other.</summary>
    public static EpochSampler Balanced(ImageDataSet data, int seed)
    {
        var sizes = data.Items.GroupBy(item => item.Label).ToDictionary(group => group.Key, group => group.Count());
        return Weighted([.. data.Items.Select(item => 1.0 / sizes[item.Label])], seed);
    }

    /// <summary>Drawn with replacement, each image with a probability proportional to its weight.</summary>
    /// <exception cref="ArgumentException">A weight is negative or not finite, or all are zero.</exception>
    public static EpochSampler Weighted(IReadOnlyList<double> weights, int seed)
    {
        ArgumentNullException.ThrowIfNull(weights);
        if (weights.Count == 0 || weights.Any(weight => !(weight >= 0 && double.IsFinite(weight))) || weights.Sum() <= 0)
            throw new ArgumentException("The weights must be finite, not negative and not all zero.", nameof(weights));
        return new EpochSampler(weights.Count, [.. weights], seed);
    }

    /// <summary>The indices that one process visits in one epoch, in order.</summary>
    /// <param name="epoch">Epoch from 0; each has its own order.</param>
    /// <param name="rank">This process, from 0.</param>
    /// <param name="processes">
    /// Number of processes. All get equally many images, so that none waits for the others in vain: where they do not divide evenly, the
    /// order goes on from its start.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">There is no process, or the rank is none of theirs.</exception>
    public IReadOnlyList<int> Epoch(int epoch, int rank = 0, int processes = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(processes, 1);
        if (rank < 0 || rank >= processes)
            throw new ArgumentOutOfRangeException(nameof(rank), rank, $"The rank must lie between 0 and {processes - 1}.");
        var random = new Random(HashCode(seed, epoch));
        var order = Enumerable.Range(0, count).ToArray();
        if (cumulated is null)
        {
            random.Shuffle(order);
        }
        else
        {
            for (var i = 0; i < count; i++)
                order[i] = Draw(random.NextDouble() * cumulated[^1]);
        }

        var each = (count + processes - 1) / processes;
        return [.. Enumerable.Range(0, each).Select(i => order[((i * processes) + rank) % count])];
    }

    private int Draw(double position)
    {
        var found = Array.BinarySearch(cumulated!, position);
        return Math.Min(found >= 0 ? found + 1 : ~found, count - 1);
    }

    // Not System.HashCode, which differs from process to process.
    private static int HashCode(int seed, int epoch) => unchecked((seed * 1_000_003) + epoch);
}
