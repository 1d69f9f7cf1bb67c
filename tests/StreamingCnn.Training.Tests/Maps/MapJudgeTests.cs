using StreamingCnn.Training.Maps;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;
using StreamingCnn.Training.Tests.Segmentation;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Maps;

/// <summary>What is judged of a map that comes in rectangles is what whole maps give by definitions that are written out.</summary>
public class MapJudgeTests
{
    private const int Classes = 3;

    [Theory]
    [InlineData(23, 31, 7, null, 1)]
    [InlineData(40, 26, 64, 0.3, 3)]
    [InlineData(17, 50, 5, 0.5, 0)]
    public void Streamed_equals_whole(int height, int width, int tile, double? threshold, int tolerance)
    {
        using var scope = NewDisposeScope();
        for (ulong seed = 0; seed < 6; seed++)
        {
            var scores = Smooth(rand([1, Classes, height, width], ScalarType.Float64, generator: new Generator(seed))) * 12;
            var truth = Smooth(rand([1, Classes, height, width], ScalarType.Float64, generator: new Generator(seed + 50))).argmax(1);
            truth[0, TensorIndex.Slice(0, 4), TensorIndex.Slice(2, 9)] = SegmentationTask.IgnoredClass;
            var task = new SegmentationTask(["ground", "a", "b"]).JudgedBy(new()
            {
                Overlap = 0.2,
                Threshold = threshold,
                BoundaryTolerance = tolerance,
                LeastArea = 3,
            });
            using var mask = Shapes.ClassMap(truth.unsqueeze(1).to(ScalarType.Int16));
            using var judge = new MapJudge(task, mask);

            judge.Begin(1, Classes, height, width);
            for (var top = 0; top < height; top += tile)
            {
                for (var left = 0; left < width; left += tile)
                    judge.Write(top, left, scores[.., .., TensorIndex.Slice(top, top + tile), TensorIndex.Slice(left, left + tile)]);
            }

            var findings = judge.Complete();
            var expected = Whole(scores, truth, threshold, tolerance);
            Assert.Equal(expected.Boundaries, findings.Boundaries);
            Assert.Equal(Classes, findings.Objects.Count);
            foreach (var (one, other) in expected.Objects.Zip(findings.Objects))
            {
                Assert.Equal(one.True, other.True);
                Assert.Equal(one.Found.Select(found => found.IsRight), other.Found.Select(found => found.IsRight));
                foreach (var (score, found) in one.Found.Zip(other.Found, (a, b) => (a.Score, b.Score)))
                    Assert.Equal(score, found, 5);
            }
        }
    }

    /// <summary>Of boxes that touch the middle is learned, and the boxes around what is found are larger by as much.</summary>
    [Fact]
    public void Found_boxes_are_those_that_the_middle_was_taken_of()
    {
        using var scope = NewDisposeScope();
        var scores = zeros(1, 2, 20, 40);
        foreach (var left in (long[])[5, 15])
            scores[0, 1, TensorIndex.Slice(8, 12), TensorIndex.Slice(left, left + 5)] = 5;
        scores[0, 0] = 1;
        using var mask = Shapes.ClassMap(zeros([1, 1, 20, 40], ScalarType.Int16));
        var task = new SegmentationTask(["ground", "a"]) { BoxCore = 0.5 }.JudgedBy(new() { Overlap = 0.99 });
        using var judge = new MapJudge(task, mask, [new(1, 2.5, 6, 12.5, 14), new(1, 12.5, 6, 22.5, 14)]);
        judge.Begin(1, 2, 20, 40);
        judge.Write(0, 0, scores);

        var found = judge.Complete().Objects[1];

        Assert.Equal(2, found.True);
        Assert.Equal([true, true], found.Found.Select(one => one.IsRight));
        Assert.Equal(scores[0, .., 8, 5].softmax(0)[1].item<float>(), found.Found[0].Score, 5);
    }

    [Fact]
    public void Statistics_are_of_all_images_together()
    {
        var task = new SegmentationTask(["ground", "a"]).JudgedBy(new() { Overlap = 0.5, BoundaryTolerance = 2 });
        Prediction[] predictions =
        [
            Of([(0.9, true), (0.8, false)], 1, new(10, 5, 20, 20)),
            Of([], 1, new(30, 30, 0, 0)),
        ];
        var values = task.Statistics.ToDictionary(one => one.Name, one => one.Compute(predictions));

        Assert.Equal((0.5, 0.5, 0.5), (values["mean AP"], values["object precision of a"], values["object recall"]));
        Assert.Equal(2 * 0.875 * 1 / 1.875, values["boundary F1 of a"], 12);
        Assert.Contains(
            "Overlap is 1, but must be from 0 to below 1; BoundaryTolerance is 101, but must be from 0 to 100",
            Assert.Throws<ArgumentException>(() => task.JudgedBy(new() { Overlap = 1, BoundaryTolerance = 101 })).Message,
            StringComparison.Ordinal);

        static Prediction Of((double, bool)[] found, int there, BoundaryCounts boundary) =>
            new(new("image", -1, _ => throw new InvalidOperationException()), [1, 0, 0, 1], 0)
            {
                Findings = new([new(0, []), new(there, found)], [boundary, boundary]),
            };
    }

    private static Tensor Smooth(Tensor noise) => nn.functional.avg_pool2d(noise, 5, 1, 2, count_include_pad: false);

    private static MapFindings Whole(Tensor scores, Tensor truth, double? threshold, int tolerance)
    {
        var (height, width) = ((int)scores.shape[2], (int)scores.shape[3]);
        var probabilities = scores.softmax(1);
        var (said, actual) = (new int[height, width], new int[height, width]);
        var own = new double[height, width];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var all = Enumerable.Range(0, Classes).Select(k => probabilities[0, k, y, x].item<double>()).ToArray();
                var best = Array.IndexOf(all, all.Max());
                if (threshold is { } least)
                {
                    var other = all[1] >= all[2] ? 1 : 2;
                    best = all[other] >= least ? other : 0;
                }

                actual[y, x] = (int)truth[0, y, x].item<long>();
                (said[y, x], own[y, x]) = (actual[y, x] < 0 ? -1 : best, all[best]);
            }
        }

        var found = Regions(said, own).Where(one => one.Area >= 3).ToArray();
        var there = Regions(actual, own).ToArray();
        return new(
            [.. Enumerable.Range(0, Classes).Select(label => label == 0
                ? new ObjectCounts(0, [])
                : ObjectMatches.Of(
                    [.. found.Where(one => one.Object.Label == label).Select(one => (one.Object, one.Score))],
                    [.. there.Where(one => one.Object.Label == label).Select(one => one.Object)],
                    0.2))],
            [.. Enumerable.Range(0, Classes).Select(label => Boundaries(said, actual, label, tolerance))]);
    }

    private static IEnumerable<(MapObject Object, double Score, int Area)> Regions(int[,] map, double[,] weights)
    {
        var seen = new bool[map.GetLength(0), map.GetLength(1)];
        for (var top = 0; top < map.GetLength(0); top++)
        {
            for (var left = 0; left < map.GetLength(1); left++)
            {
                if (seen[top, left] || map[top, left] <= 0)
                    continue;
                var pixels = new List<(int Y, int X)>();
                var open = new Stack<(int Y, int X)>([(top, left)]);
                while (open.TryPop(out var at))
                {
                    if (at.Y < 0 || at.X < 0 || at.Y >= map.GetLength(0) || at.X >= map.GetLength(1) || seen[at.Y, at.X]
                        || map[at.Y, at.X] != map[top, left])
                        continue;
                    seen[at.Y, at.X] = true;
                    pixels.Add(at);
                    foreach (var (dy, dx) in ((int, int)[])[(0, 1), (1, 0), (0, -1), (-1, 0)])
                        open.Push((at.Y + dy, at.X + dx));
                }

                yield return (
                    new(map[top, left], pixels.Min(p => p.X), pixels.Min(p => p.Y), pixels.Max(p => p.X) + 1, pixels.Max(p => p.Y) + 1),
                    pixels.Average(p => weights[p.Y, p.X]),
                    pixels.Count);
            }
        }
    }

    private static BoundaryCounts Boundaries(int[,] said, int[,] actual, int label, int tolerance)
    {
        var (mine, theirs) = (Edge(said), Edge(actual));
        return new(mine.Length, Near(mine, theirs), theirs.Length, Near(theirs, mine));

        double Near((int Y, int X)[] some, (int Y, int X)[] others) => some.Count(a => others.Any(
            b => ((a.Y - b.Y) * (a.Y - b.Y)) + ((a.X - b.X) * (a.X - b.X)) <= tolerance * tolerance));

        (int Y, int X)[] Edge(int[,] map) =>
        [
            .. from y in Enumerable.Range(0, map.GetLength(0))
               from x in Enumerable.Range(0, map.GetLength(1))
               where map[y, x] == label && ((int, int)[])[(y, x + 1), (y + 1, x), (y, x - 1), (y - 1, x)] is var around
                   && around.Any(at => at.Item1 >= 0 && at.Item2 >= 0 && at.Item1 < map.GetLength(0) && at.Item2 < map.GetLength(1)
                       && map[at.Item1, at.Item2] >= 0 && map[at.Item1, at.Item2] != label)
               select (y, x),
        ];
    }
}
