namespace StreamingCnn.Training.Metrics;

/// <summary>
/// What is needed of the numbers of maps, true and predicted, for all metrics of them: of one map, or of several together, which none of
/// them is held for.
/// </summary>
/// <remarks>
/// Squares are those of differences from the mean, joined as by Chan, Golub and LeVeque (1983): of numbers such as heights above the sea,
/// sums of plain squares would lose what they vary by.
/// </remarks>
/// <param name="Count">Positions that have a true number.</param>
/// <param name="TrueMean">Mean of the true numbers; 0 where there are none.</param>
/// <param name="TrueSquares">Sum of the squares of their differences from it.</param>
/// <param name="PredictedMean">Mean of the predicted numbers at those positions.</param>
/// <param name="PredictedSquares">Sum of the squares of their differences from it.</param>
/// <param name="Products">Sum of the products of both differences.</param>
/// <param name="AbsoluteErrors">Sum of the absolute differences of predicted and true numbers.</param>
/// <param name="SquaredErrors">Sum of their squares.</param>
public readonly record struct MapErrors(
    double Count,
    double TrueMean,
    double TrueSquares,
    double PredictedMean,
    double PredictedSquares,
    double Products,
    double AbsoluteErrors,
    double SquaredErrors)
{
    /// <summary>How many numbers it is made of.</summary>
    internal const int Numbers = 8;

    /// <summary>What they are, in the order in which they are written.</summary>
    internal static readonly string[] Names =
    [
        "pixels", "true mean", "true squared deviations", "predicted mean", "predicted squared deviations", "products of deviations",
        "absolute errors", "squared errors",
    ];

    /// <summary>Mean absolute error; NaN where there are no numbers.</summary>
    public double MeanAbsolute => AbsoluteErrors / Count;

    /// <summary>Square root of the mean squared error; NaN where there are no numbers.</summary>
    public double RootMeanSquare => Math.Sqrt(SquaredErrors / Count);

    /// <summary>Mean of predicted less true numbers; NaN where there are none.</summary>
    public double Bias => Count > 0 ? PredictedMean - TrueMean : double.NaN;

    /// <summary>
    /// Coefficient of determination: share of the variance of the true numbers that is explained; NaN where they are all equal.
    /// </summary>
    public double Determination => TrueSquares > 0 ? 1 - (SquaredErrors / TrueSquares) : double.NaN;

    /// <summary>Correlation of predicted and true numbers; NaN where either are all equal.</summary>
    public double Pearson => TrueSquares > 0 && PredictedSquares > 0 ? Products / Math.Sqrt(TrueSquares * PredictedSquares) : double.NaN;

    /// <summary>Sum of the true numbers: of a density how much there is.</summary>
    public double TrueSum => Count * TrueMean;

    /// <summary>Sum of the predicted numbers at positions that have a true one.</summary>
    public double PredictedSum => Count * PredictedMean;

    /// <summary>The numbers of two parts together.</summary>
    public static MapErrors operator +(MapErrors one, MapErrors other)
    {
        var count = one.Count + other.Count;
        if (count == 0)
            return default;
        var (share, weight) = (other.Count / count, one.Count * other.Count / count);
        var (ofTrue, ofPredicted) = (other.TrueMean - one.TrueMean, other.PredictedMean - one.PredictedMean);
        return new(
            count,
            one.TrueMean + (share * ofTrue),
            one.TrueSquares + other.TrueSquares + (weight * ofTrue * ofTrue),
            one.PredictedMean + (share * ofPredicted),
            one.PredictedSquares + other.PredictedSquares + (weight * ofPredicted * ofPredicted),
            one.Products + other.Products + (weight * ofTrue * ofPredicted),
            one.AbsoluteErrors + other.AbsoluteErrors,
            one.SquaredErrors + other.SquaredErrors);
    }

    /// <inheritdoc cref="op_Addition"/>
    public static MapErrors Add(MapErrors one, MapErrors other) => one + other;

    /// <summary>From sums over positions of numbers that were made smaller before, so that little is lost of what they vary by.</summary>
    /// <param name="sums">
    /// How many there are, and of true numbers t and predicted ones p the sums of t, t t, p, p p, p t, |p - t| and (p - t)(p - t).
    /// </param>
    /// <param name="scale">What the numbers are made of: t deviations and a mean.</param>
    internal static MapErrors Of(ReadOnlySpan<double> sums, NumberScale scale)
    {
        var count = sums[0];
        if (count == 0)
            return default;
        var (actual, predicted, deviation) = (sums[1] / count, sums[3] / count, scale.Deviation);
        var square = deviation * deviation;
        return new(
            count,
            scale.Mean + (deviation * actual),
            square * Math.Max(0, sums[2] - (count * actual * actual)),
            scale.Mean + (deviation * predicted),
            square * Math.Max(0, sums[4] - (count * predicted * predicted)),
            square * (sums[5] - (count * actual * predicted)),
            deviation * sums[6],
            square * sums[7]);
    }

    /// <summary>The numbers that <see cref="ToNumbers"/> wrote.</summary>
    internal static MapErrors From(IReadOnlyList<double> numbers, int first) => new(
        numbers[first], numbers[first + 1], numbers[first + 2], numbers[first + 3],
        numbers[first + 4], numbers[first + 5], numbers[first + 6], numbers[first + 7]);

    /// <summary>What it is made of, one after the other.</summary>
    internal double[] ToNumbers() =>
        [Count, TrueMean, TrueSquares, PredictedMean, PredictedSquares, Products, AbsoluteErrors, SquaredErrors];
}
