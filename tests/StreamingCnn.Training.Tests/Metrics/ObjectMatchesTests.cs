using StreamingCnn.Training.Metrics;

namespace StreamingCnn.Training.Tests.Metrics;

/// <summary>Which found objects are right, and the average precision of them, against definitions that are written out.</summary>
public class ObjectMatchesTests
{
    [Fact]
    public void The_likelier_of_two_on_one_object_is_right_and_the_other_is_not()
    {
        MapObject[] actual = [new(1, 10, 10, 20, 20), new(1, 30, 10, 40, 20)];
        var counts = ObjectMatches.Of(
            [(new(1, 11, 10, 21, 20), 0.6), (new(1, 10, 10, 20, 20), 0.9), (new(1, 36, 10, 46, 20), 0.7), (new(1, 90, 0, 99, 9), 0.1)],
            actual,
            0.33);
        // The third has 4 of 16 columns in common with its object.
        Assert.Equal([(0.9, true), (0.7, false), (0.6, false), (0.1, false)], counts.Found);
        Assert.Equal(2, counts.True);
        Assert.True(ObjectMatches.Of([(new(1, 36, 10, 46, 20), 0.7)], actual, 0.249).Found[0].IsRight);
        Assert.False(ObjectMatches.Of([(new(1, 36, 10, 46, 20), 0.7)], actual, 0.25).Found[0].IsRight);
    }

    [Fact]
    public void The_area_is_under_the_greatest_precision_from_each_recall_on()
    {
        // Precision at each object: 1, 1/2, 2/3, 2/4, 3/5; of four true ones.
        var matches = new ObjectMatches([
            new(3, [(0.9, true), (0.7, true), (0.5, true)]),
            new(1, [(0.8, false), (0.6, false)])]);

        Assert.Equal((1 + (2 / 3.0) + (3 / 5.0)) / 4, matches.AveragePrecision(), 12);
        Assert.Equal((3 / 5.0, 3 / 4.0, 6 / 9.0), (matches.Precision, matches.Recall, matches.F1));
    }

    [Fact]
    public void Objects_of_one_score_come_together()
    {
        Assert.Equal(0.5, new ObjectMatches([new(1, [(0.5, true), (0.5, false)])]).AveragePrecision());
        Assert.Equal(0.5, new ObjectMatches([new(1, [(0.5, false), (0.5, true)])]).AveragePrecision());
        Assert.Equal(double.NaN, new ObjectMatches([new(0, [(0.5, false)])]).AveragePrecision());
        Assert.Equal(0, new ObjectMatches([new(2, [])]).AveragePrecision());
    }

    [Fact]
    public void Below_a_score_nothing_counts_and_the_greatest_F1_is_that_of_the_best_score()
    {
        // Of four true ones from each score on: 1 of 1, 1 of 2, 3 of 4 (two of one score), 3 of 5, 3 of 6.
        var matches = new ObjectMatches([
            new(3, [(0.9, true), (0.7, true), (0.5, false)]),
            new(1, [(0.8, false), (0.7, true), (0.4, false)])]);

        var above = matches.From(0.7);
        Assert.Equal((4, 4, 3), (above.True, above.Found, above.Right));
        Assert.Equal(0, matches.From(0.95).Found);
        Assert.Equal((0.75, 0.7), matches.GreatestF1());
        Assert.Equal(above.F1, matches.GreatestF1().F1);
        Assert.All(
            (double[])[0, 0.4, 0.5, 0.7, 0.8, 0.9, 1],
            score => Assert.True(matches.From(score).F1 <= matches.GreatestF1().F1, $"from {score} on"));

        Assert.Equal((double.NaN, double.NaN), new ObjectMatches([new(2, [])]).GreatestF1());
        Assert.Equal((double.NaN, double.NaN), new ObjectMatches([new(0, [(0.5, false)])]).GreatestF1());
        Assert.Equal((0, 0.5), new ObjectMatches([new(2, [(0.5, false), (0.3, false)])]).GreatestF1());
    }

    /// <summary>Found by their sides, boxes are those that a comparison of each with each finds.</summary>
    [Fact]
    public void Many_boxes_are_matched_as_one_by_one()
    {
        var random = new Random(3);
        for (var round = 0; round < 40; round++)
        {
            var actual = Enumerable.Range(0, random.Next(12)).Select(_ => Box(random)).ToArray();
            var found = Enumerable.Range(0, random.Next(12)).Select(i => (Box(random), Score: (i * 7 % 12) + 0.5)).ToArray();

            var counts = ObjectMatches.Of(found, actual, 0.2);

            var taken = new HashSet<MapObject>();
            var expected = found.OrderByDescending(one => one.Score).Select(one =>
            {
                var best = actual.OrderBy(other => other.Left).Where(other => other.Overlap(one.Item1) > 0.2)
                    .OrderByDescending(other => other.Overlap(one.Item1)).FirstOrDefault();
                return (one.Score, best is not null && taken.Add(best));
            });
            Assert.Equal(expected, counts.Found);
        }
    }

    private static MapObject Box(Random random)
    {
        var (left, top) = (random.NextDouble() * 30, random.NextDouble() * 30);
        return new(1, left, top, left + 1 + (random.NextDouble() * 20), top + 1 + (random.NextDouble() * 20));
    }
}
