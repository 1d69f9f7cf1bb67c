using System.Globalization;

namespace StreamingCnn.Training.Metrics;

/// <summary>A number that can be computed of predictions.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Explanation">What it means, in a phrase.</param>
/// <param name="Compute">Computes it; NaN where it is not defined.</param>
public sealed record Statistic(string Name, string Explanation, Func<IReadOnlyList<Prediction>, double> Compute)
{
    /// <summary>Whether more is better.</summary>
    /// <value>The default value is true.</value>
    public bool HigherIsBetter { get; init; } = true;

    /// <summary>Whether more of it, or less, is better at all, so that the best epoch can be chosen by it.</summary>
    /// <value>The default value is true.</value>
    public bool IsQuality { get; init; } = true;

    /// <summary>
    /// Counts what it is a share of, where it is a share of independent images: how many have what is counted, of how many.
    /// </summary>
    /// <value>The default value is null: it is no such share.</value>
    public Func<IReadOnlyList<Prediction>, (int Count, int Of)>? Share { get; init; }
}

/// <summary>A statistic's value for given predictions.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Explanation">What it means, in a phrase.</param>
/// <param name="Value">The value; NaN where it is not defined.</param>
/// <param name="Interval">Its confidence interval; null where there is none.</param>
public sealed record Metric(string Name, string Explanation, double Value, ConfidenceInterval? Interval)
{
    /// <summary>The value as <c>0.934</c>, or <c>not defined</c>.</summary>
    public string ValueText => Format(Value);

    /// <summary>Name, value and interval in a line.</summary>
    public override string ToString() => Interval is null ? $"{Name} {ValueText}" : $"{Name} {ValueText} ({Interval})";

    /// <summary>Three decimals for numbers of the size of 1, otherwise four significant digits.</summary>
    public static string Format(double value) => value switch
    {
        double.NaN => "not defined",
        0 => "0.000",
        _ when Math.Abs(value) is >= 0.001 and < 10 => value.ToString("0.000", CultureInfo.InvariantCulture),
        _ => value.ToString("G4", CultureInfo.InvariantCulture),
    };
}
