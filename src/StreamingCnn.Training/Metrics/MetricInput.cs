namespace StreamingCnn.Training.Metrics;

/// <summary>
/// What every metric asks of its input: lists of one length, and numbers that are numbers. A NaN would pass through a sort unseen.
/// </summary>
internal static class MetricInput
{
    public static void RequireSameLength(int count, int other, string names)
    {
        if (count != other)
            throw new ArgumentException($"There must be as many {names}, not {count} and {other}.");
    }

    public static void RequireNumbers(IReadOnlyList<double> values, string name)
    {
        for (var i = 0; i < values.Count; i++)
        {
            if (double.IsNaN(values[i]))
                throw new ArgumentException($"Value {i} of {name} is not a number (NaN); leave it out or find out why the model gives it.");
        }
    }

    public static void RequireProbabilities(IReadOnlyList<double> values, string name)
    {
        for (var i = 0; i < values.Count; i++)
        {
            if (values[i] is not (>= 0 and <= 1))
                throw new ArgumentException(
                    string.Create(
                        System.Globalization.CultureInfo.InvariantCulture,
                        $"Value {i} of {name} is {values[i]}, but a probability lies from 0 to 1."));
        }
    }
}
