using System.Runtime.CompilerServices;

namespace StreamingCnn.Training.Metrics;

/// <summary>Numbers by which objects and boundaries on maps of classes are judged.</summary>
/// <param name="classes">Names of the classes.</param>
/// <param name="judging">What is judged.</param>
internal sealed class FindingsStatistics(IReadOnlyList<string> classes, MapJudging judging)
{
    // Of a resample objects are put in order once, for all statistics.
    private readonly ConditionalWeakTable<IReadOnlyList<Prediction>, Sums> sums = [];

    /// <summary>All of them: first those of all classes, then those of each.</summary>
    public IReadOnlyList<Statistic> All =>
    [
        .. judging.Overlap is null ? [] : Objects(),
        .. judging.BoundaryTolerance is null ? [] : Boundaries(),
    ];

    private IEnumerable<Statistic> Objects()
    {
        yield return new(
            "mean AP", "average precision of objects, mean over the classes that there are objects of", all => Mean(Of(all).AveragePrecisions));
        yield return new("object F1", "harmonic mean of the next two", all => Of(all).Together.F1);
        yield return new("object precision", "share of the found objects of all classes that are there", all => Of(all).Together.Precision);
        yield return new("object recall", "share of the objects of all classes that are found", all => Of(all).Together.Recall);
        yield return new(
            "greatest object F1",
            "object F1 over the found objects from the next score on: the greatest that these images have, which flatters",
            all => Of(all).Greatest.F1);
        yield return new("score of greatest object F1", "least score of the objects of the one before", all => Of(all).Greatest.Score);
        foreach (var (label, name) in classes.Index().Skip(1))
        {
            yield return new(
                $"AP of {name}",
                $"average precision of objects of '{name}': area under precision against recall as the least score falls",
                all => Of(all).AveragePrecisions[label - 1]);
            yield return new($"object F1 of {name}", $"harmonic mean of the next two", all => Of(all).Classes[label - 1].F1);
            yield return new(
                $"object precision of {name}",
                $"share of the found objects of '{name}' that are there",
                all => Of(all).Classes[label - 1].Precision);
            yield return new(
                $"object recall of {name}", $"share of the objects of '{name}' that are found", all => Of(all).Classes[label - 1].Recall);
        }
    }

    private IEnumerable<Statistic> Boundaries()
    {
        yield return new(
            "mean boundary F1", "mean of the boundary F1 of the classes", all => Mean([.. classes.Select((_, label) => Boundary(all, label))]));
        foreach (var (label, name) in classes.Index())
        {
            yield return new(
                $"boundary F1 of {name}",
                $"harmonic mean of the shares of the predicted and the true boundary of '{name}' that lie near the other",
                all => Boundary(all, label));
        }
    }

    private static double Boundary(IReadOnlyList<Prediction> predictions, int label)
    {
        var counts = predictions.Select(prediction => prediction.Findings?.Boundaries.ElementAtOrDefault(label)).OfType<BoundaryCounts>()
            .ToArray();
        var (predicted, actual) = (counts.Sum(one => one.Predicted), counts.Sum(one => one.True));
        if (predicted + actual == 0)
            return double.NaN;
        var precision = predicted == 0 ? 0 : counts.Sum(one => one.PredictedNear) / predicted;
        var recall = actual == 0 ? 0 : counts.Sum(one => one.TrueNear) / actual;
        return precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall);
    }

    private static double Mean(IReadOnlyList<double> values)
    {
        var defined = values.Where(value => !double.IsNaN(value)).ToArray();
        return defined.Length > 0 ? defined.Average() : double.NaN;
    }

    private Sums Of(IReadOnlyList<Prediction> predictions) => sums.GetValue(predictions, all =>
    {
        ObjectMatches[] ofClasses =
        [
            .. Enumerable.Range(1, classes.Count - 1).Select(label => new ObjectMatches(
                [.. all.Select(prediction => prediction.Findings?.Objects.ElementAtOrDefault(label)).OfType<ObjectCounts>()])),
        ];
        var together = new ObjectMatches(
            [.. all.SelectMany(prediction => prediction.Findings?.Objects.Skip(1) ?? [])]);
        return new(
            [.. ofClasses.Select(one => one.From(judging.LeastScore))],
            together.From(judging.LeastScore),
            together.GreatestF1(),
            [.. ofClasses.Select(one => one.AveragePrecision())]);
    });

    /// <summary>What statistics of some images are made of.</summary>
    /// <param name="Classes">For each class the objects that count.</param>
    /// <param name="Together">Those of all classes.</param>
    /// <param name="Greatest">The greatest F1 of all objects, whether they count or not.</param>
    /// <param name="AveragePrecisions">For each class that of all objects.</param>
    private sealed record Sums(
        ObjectMatches[] Classes, ObjectMatches Together, (double F1, double Score) Greatest, double[] AveragePrecisions);
}
