using System.Globalization;

namespace StreamingCnn.Training.Metrics;

/// <summary>What an operating point is chosen for.</summary>
public enum OperatingGoal
{
    /// <summary>At least so large a share of the positives is found, with as few false alarms as possible.</summary>
    Sensitivity,

    /// <summary>At least so large a share of the negatives is left in peace, with as few misses as possible.</summary>
    Specificity,

    /// <summary>The least cost, where a miss costs so many times what a false alarm does.</summary>
    Cost,
}

/// <summary>What an operating point is to be.</summary>
/// <param name="Goal">What is asked for.</param>
/// <param name="Value">The share, above 0 to 1; or how many false alarms a miss costs, above 0.</param>
public sealed record OperatingRule(OperatingGoal Goal, double Value)
{
    /// <summary>Reads a rule such as <c>sensitivity=0.95</c>, <c>specificity=0.9</c> or <c>cost=5</c>.</summary>
    /// <returns>The rule; null where the text is none.</returns>
    public static OperatingRule? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split('=') is [var name, var number]
            && Enum.TryParse<OperatingGoal>(name, ignoreCase: true, out var goal)
            && !char.IsAsciiDigit(name[0])
            && double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && value > 0
            && value <= (goal == OperatingGoal.Cost ? 1e9 : 1)
            ? new(goal, value)
            : null;
    }

    /// <summary>The rule as <see cref="Parse"/> reads it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Goal.ToString().ToLowerInvariant()}={Value:R}");

    /// <summary>
    /// The threshold that the rule asks for, between two probabilities that occur, so that rounding moves none across it.
    /// </summary>
    /// <param name="curve">The curve of the images that it is chosen by, with both positives and negatives.</param>
    /// <param name="positives">How many of them are positive.</param>
    /// <param name="negatives">How many are not.</param>
    internal double Threshold(RocCurve curve, int positives, int negatives)
    {
        // Of shares that are counted, the last digits are rounding.
        const double Rounding = 1e-9;
        var points = curve.Points.Index();
        var place = Goal switch
        {
            OperatingGoal.Sensitivity => points.First(point => point.Item.TruePositiveRate >= Value - Rounding).Index,
            OperatingGoal.Specificity => points.Last(point => 1 - point.Item.FalsePositiveRate >= Value - Rounding).Index,
            _ => points.MinBy(point =>
                (Value * (1 - point.Item.TruePositiveRate) * positives) + (point.Item.FalsePositiveRate * negatives)).Index,
        };
        var above = place == 0 ? 1 : curve.Points[place].Threshold;
        var below = place + 1 < curve.Points.Count ? curve.Points[place + 1].Threshold : 0;
        // Where nothing is to be called, not even certainty is.
        return place == 0 && below >= 1 ? double.PositiveInfinity : (above + below) / 2;
    }
}
