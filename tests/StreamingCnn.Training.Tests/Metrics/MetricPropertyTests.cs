using CsCheck;
using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training.Tests.Metrics;

/// <summary>Metrics equal their definitions, computed in the plainest way, on random data full of ties.</summary>
public class MetricPropertyTests
{
    private const double Rounding = 1e-9;

    // Few different values, so that ties are the rule.
    private static readonly Gen<double> Coarse = Gen.Int[0, 6].Select(value => value / 4.0);
    private static readonly Gen<(double Score, bool Positive)[]> Scored = Gen.Select(Coarse, Gen.Bool).Array[0, 40];
    private static readonly Gen<(double One, double Other)[]> Pairs = Gen.Select(Coarse, Coarse).Array[2, 40];
    private static readonly Gen<(int Label, int Predicted)[]> Labelled = Gen.Select(Gen.Int[0, 3], Gen.Int[0, 3]).Array[1, 40];

    [Fact]
    public void Area_is_the_share_of_pairs_in_order() => Scored.Sample(items =>
    {
        double right = 0, all = 0;
        foreach (var positive in items.Where(item => item.Positive))
        {
            foreach (var negative in items.Where(item => !item.Positive))
            {
                all++;
                right += positive.Score > negative.Score ? 1 : positive.Score == negative.Score ? 0.5 : 0;
            }
        }

        return Same(
            all == 0 ? double.NaN : right / all,
            AreaUnderCurve.Of([.. items.Select(item => item.Score)], [.. items.Select(item => item.Positive)]));
    });

    [Fact]
    public void Trapezoids_under_the_curve_add_up_to_the_area() => Scored.Sample(items =>
    {
        var curve = RocCurve.Of([.. items.Select(item => item.Score)], [.. items.Select(item => item.Positive)]);
        var sum = curve.Points.Zip(
            curve.Points.Skip(1), (a, b) => (b.FalsePositiveRate - a.FalsePositiveRate) * (a.TruePositiveRate + b.TruePositiveRate) / 2)
            .Sum();
        return curve.Points.Count == 0 ? double.IsNaN(curve.Area) : Same(curve.Area, sum);
    });

    [Fact]
    public void Area_of_two_classes_is_that_of_one_against_the_rest() => Scored.Sample(items => Same(
        AreaUnderCurve.Of([.. items.Select(item => item.Score)], [.. items.Select(item => item.Positive)]),
        AreaUnderCurve.OneAgainstRest(
            [.. items.Select(item => new[] { -item.Score, item.Score })], [.. items.Select(item => item.Positive ? 1 : 0)])));

    [Fact]
    public void Kappa_is_its_definition() => Labelled.Sample(items =>
    {
        const int Classes = 4;
        double observed = 0, expected = 0;
        foreach (var (label, predicted) in items)
            observed += Math.Pow(label - predicted, 2) / items.Length;
        foreach (var (label, _) in items)
        {
            foreach (var (_, predicted) in items)
                expected += Math.Pow(label - predicted, 2) / ((double)items.Length * items.Length);
        }

        return Same(expected == 0 ? double.NaN : 1 - (observed / expected), QuadraticKappa.Of(Matrix(items, Classes)));
    });

    [Fact]
    public void Accuracies_and_F1_are_their_definitions() => Labelled.Sample(items =>
    {
        var matrix = Matrix(items, 4);
        var recalls = items.GroupBy(item => item.Label).Select(group => group.Average(item => item.Predicted == item.Label ? 1.0 : 0));
        var f1 = Enumerable.Range(0, 4).Where(c => items.Any(item => item.Label == c || item.Predicted == c)).Average(c =>
        {
            double hits = items.Count(item => item.Label == c && item.Predicted == c);
            double precision = hits / Math.Max(1, items.Count(item => item.Predicted == c)), recall = hits / Math.Max(
                1, items.Count(item => item.Label == c));
            return hits == 0 ? 0 : 2 * precision * recall / (precision + recall);
        });
        return Same(items.Average(item => item.Label == item.Predicted ? 1.0 : 0), matrix.Accuracy)
            && Same(recalls.Average(), matrix.BalancedAccuracy)
            && Same(f1, matrix.MacroF1);
    });

    [Fact]
    public void Spearman_is_Pearson_of_mid_ranks() => Pairs.Sample(items =>
    {
        double[] one = [.. items.Select(item => item.One)], other = [.. items.Select(item => item.Other)];
        return Same(Correlation.Pearson(MidRanks(one), MidRanks(other)), Correlation.Spearman(one, other));

        static double[] MidRanks(double[] values) =>
            [.. values.Select(value => values.Count(v => v < value) + ((values.Count(v => v == value) + 1) / 2.0))];
    });

    [Fact]
    public void Pearson_is_covariance_over_deviations() => Pairs.Sample(items =>
    {
        double n = items.Length, x = items.Sum(i => i.One), y = items.Sum(i => i.Other);
        var covariance = (n * items.Sum(i => i.One * i.Other)) - (x * y);
        var deviations = ((n * items.Sum(i => i.One * i.One)) - (x * x)) * ((n * items.Sum(i => i.Other * i.Other)) - (y * y));
        return Same(
            deviations == 0 ? double.NaN : covariance / Math.Sqrt(deviations),
            Correlation.Pearson([.. items.Select(item => item.One)], [.. items.Select(item => item.Other)]));
    });

    [Fact]
    public void Concordance_is_the_share_of_comparable_pairs_in_order() => Gen.Select(Coarse, Coarse, Gen.Bool).Array[0, 30].Sample(items =>
    {
        double right = 0, all = 0;
        for (var i = 0; i < items.Length; i++)
        {
            for (var j = 0; j < items.Length; j++)
            {
                var ((first, firstTime, firstSeen), (second, secondTime, secondSeen)) = (items[i], items[j]);
                // Of the first it is known that it ended before the second.
                if (i == j || !firstSeen || !(firstTime < secondTime || (firstTime == secondTime && !secondSeen)))
                    continue;
                all++;
                right += first < second ? 1 : first == second ? 0.5 : 0;
            }
        }

        return Same(
            all == 0 ? double.NaN : right / all,
            ConcordanceIndex.Of(
                [.. items.Select(item => item.Item1)], [.. items.Select(item => item.Item2)], [.. items.Select(item => item.Item3)]));
    });

    [Fact]
    public void Concordance_of_two_numbers_is_the_area() => Scored.Sample(items => Same(
        AreaUnderCurve.Of([.. items.Select(item => item.Score)], [.. items.Select(item => item.Positive)]),
        ConcordanceIndex.Of([.. items.Select(item => item.Score)], [.. items.Select(item => item.Positive ? 1.0 : 0)])));

    [Fact]
    public void Calibration_error_is_its_definition() =>
        Gen.Select(Gen.Int[0, 40].Select(value => value / 40.0), Gen.Bool).Array[1, 60].Sample(items =>
    {
        var expected = items.GroupBy(item => Math.Min(Math.Floor(item.Item1 * 5), 4))
            .Sum(bin => Math.Abs(bin.Sum(item => item.Item1) - bin.Count(item => item.Item2)) / items.Length);
        return Same(
            expected, Calibration.Of([.. items.Select(item => item.Item1)], [.. items.Select(item => item.Item2)], bins: 5).ExpectedError);
    });

    private static ConfusionMatrix Matrix((int Label, int Predicted)[] items, int classes) =>
        new([.. items.Select(item => item.Label)], [.. items.Select(item => item.Predicted)], classes);

    private static bool Same(double one, double other) => double.IsNaN(one) ? double.IsNaN(other) : Math.Abs(one - other) < Rounding;
}
