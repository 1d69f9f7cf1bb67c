namespace StreamingCnn.Training.Metrics;

/// <summary>How often each class was taken for which: rows are what is true, columns what was predicted.</summary>
public sealed class ConfusionMatrix
{
    private readonly int[,] counts;

    /// <summary>Counts.</summary>
    /// <param name="labels">What is true, classes from 0.</param>
    /// <param name="predicted">What was predicted.</param>
    /// <param name="classes">How many classes there are.</param>
    /// <exception cref="ArgumentException">
    /// The lists differ in length, or there is a class outside of 0 to <paramref name="classes"/> - 1.
    /// </exception>
    public ConfusionMatrix(IReadOnlyList<int> labels, IReadOnlyList<int> predicted, int classes)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(predicted);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        MetricInput.RequireSameLength(labels.Count, predicted.Count, "labels as predictions");
        counts = new int[classes, classes];
        for (var i = 0; i < labels.Count; i++)
        {
            foreach (var label in (ReadOnlySpan<int>)[labels[i], predicted[i]])
            {
                if (label < 0 || label >= classes)
                    throw new ArgumentException(
                        $"Class {label} of item {i} is not one of the {classes} classes, which are numbered from 0.");
            }

            counts[labels[i], predicted[i]]++;
        }
    }

    /// <summary>Number of classes.</summary>
    public int Classes => counts.GetLength(0);

    /// <summary>Number of items.</summary>
    public int Total => counts.Cast<int>().Sum();

    /// <summary>Items of class <paramref name="label"/> that were taken for <paramref name="predicted"/>.</summary>
    public int this[int label, int predicted] => counts[label, predicted];

    /// <summary>Items that are of a class.</summary>
    public int Actual(int label) => Enumerable.Range(0, Classes).Sum(column => counts[label, column]);

    /// <summary>Items that were taken for a class.</summary>
    public int Predicted(int label) => Enumerable.Range(0, Classes).Sum(row => counts[row, label]);

    /// <summary>Share of items whose class was predicted; NaN where there are none.</summary>
    public double Accuracy => (double)Enumerable.Range(0, Classes).Sum(label => counts[label, label]) / Total;

    /// <summary>
    /// Mean over the classes that occur of the share of their items that were recognised (recall); NaN where there are none.
    /// </summary>
    public double BalancedAccuracy => Mean(Enumerable.Range(0, Classes).Select(label => counts[label, label] / (double)Actual(label)));

    /// <summary>
    /// Unweighted mean of the classes' F1, which is the harmonic mean of precision and recall. A class that is never predicted though it
    /// occurs, or the other way round, counts 0; one that does neither is left out. NaN where there are no items.
    /// </summary>
    public double MacroF1 => Mean(Enumerable.Range(0, Classes).Select(F1));

    /// <summary>F1 of one class; NaN where it neither occurs nor is predicted.</summary>
    public double F1(int label) => 2.0 * counts[label, label] / (Actual(label) + Predicted(label));

    private static double Mean(IEnumerable<double> values)
    {
        var defined = values.Where(value => !double.IsNaN(value)).ToArray();
        return defined.Length > 0 ? defined.Average() : double.NaN;
    }
}
