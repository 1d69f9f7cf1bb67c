namespace StreamingCnn.Training.Metrics;

/// <summary>
/// Agreement beyond chance on ordered classes, a disagreement counting by the square of its distance (Cohen, "Weighted kappa",
/// Psychological Bulletin, 1968). With two classes it is Cohen's kappa.
/// </summary>
public static class QuadraticKappa
{
    /// <summary>Kappa of a confusion matrix whose classes are in their order.</summary>
    /// <returns>
    /// 1 for full agreement, 0 for chance; NaN where all items are of one class and predicted so, or where there are none.
    /// </returns>
    public static double Of(ConfusionMatrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        double observed = 0, byChance = 0;
        for (var row = 0; row < matrix.Classes; row++)
        {
            for (var column = 0; column < matrix.Classes; column++)
            {
                var weight = (double)(row - column) * (row - column);
                observed += weight * matrix[row, column];
                byChance += weight * matrix.Actual(row) * matrix.Predicted(column) / matrix.Total;
            }
        }

        return byChance > 0 ? 1 - (observed / byChance) : double.NaN;
    }
}
