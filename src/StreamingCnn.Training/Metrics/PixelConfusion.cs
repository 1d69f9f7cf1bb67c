namespace StreamingCnn.Training.Metrics;

/// <summary>How many pixels of each class were taken for which: rows are what is true, columns what was predicted.</summary>
public sealed class PixelConfusion
{
    // Whole numbers, exact up to 9e15 pixels.
    private readonly IReadOnlyList<double> counts;

    /// <summary>Takes counts.</summary>
    /// <param name="counts">For each true class a row of the predicted ones.</param>
    /// <param name="classes">How many classes there are.</param>
    /// <exception cref="ArgumentException">There is not a count for each pair of classes.</exception>
    public PixelConfusion(IReadOnlyList<double> counts, int classes)
    {
        ArgumentNullException.ThrowIfNull(counts);
        if (counts.Count != classes * classes)
            throw new ArgumentException($"{counts.Count} counts were given for {classes} classes; give one for each pair.", nameof(counts));
        (this.counts, Classes) = (counts, classes);
    }

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>Number of pixels.</summary>
    public double Total => counts.Sum();

    /// <summary>Pixels of class <paramref name="label"/> that were taken for <paramref name="predicted"/>.</summary>
    public double this[int label, int predicted] => counts[(label * Classes) + predicted];

    /// <summary>Pixels of a class.</summary>
    public double Actual(int label) => Enumerable.Range(0, Classes).Sum(column => this[label, column]);

    /// <summary>Pixels that were taken for a class.</summary>
    public double Predicted(int label) => Enumerable.Range(0, Classes).Sum(row => this[row, label]);

    /// <summary>Share of pixels whose class was predicted; NaN where there are none.</summary>
    public double Accuracy => Enumerable.Range(0, Classes).Sum(label => this[label, label]) / Total;

    /// <summary>Mean over the classes that are there or were predicted; NaN where there are no pixels.</summary>
    public double MeanIntersectionOverUnion => Mean(IntersectionOverUnion);

    /// <summary>Mean over the classes that are there or were predicted; NaN where there are no pixels.</summary>
    public double MeanDice => Mean(Dice);

    /// <summary>Pixels that are of a class and were taken for it, by those that are either; NaN where there are neither.</summary>
    public double IntersectionOverUnion(int label) => this[label, label] / (Actual(label) + Predicted(label) - this[label, label]);

    /// <summary>
    /// Twice the former by the sum of both, which is F1, the harmonic mean of precision and recall; NaN where there are neither.
    /// </summary>
    public double Dice(int label) => 2 * this[label, label] / (Actual(label) + Predicted(label));

    /// <summary>Share of the pixels that were taken for a class that are of it; NaN where none was.</summary>
    public double Precision(int label) => this[label, label] / Predicted(label);

    /// <summary>Share of the pixels of a class that were taken for it; NaN where there are none.</summary>
    public double Recall(int label) => this[label, label] / Actual(label);

    private double Mean(Func<int, double> ofClass)
    {
        var defined = Enumerable.Range(0, Classes).Select(ofClass).Where(value => !double.IsNaN(value)).ToArray();
        return defined.Length > 0 ? defined.Average() : double.NaN;
    }
}
