using StreamingCnn.Reductions;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Reductions;

/// <summary>Values where random scores are largest or least, many of them equal, cut at random.</summary>
public class SelectedTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, Cases.Or(12))];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Rectangles_give_what_whole_maps_give(int seed)
    {
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        var shape = RandomMaps.Shape(random);
        var (height, width) = (shape[2], shape[3]);
        var values = RandomMaps.Format(random, randn(shape, ScalarType.Float64, generator: new Generator((ulong)seed)));
        // Among whole numbers many are equal.
        var scores = randn([shape[0], 1, height, width], ScalarType.Float64, generator: new Generator((ulong)seed + 1));
        scores = RandomMaps.Format(random, random.Next(2) == 0 ? scores.mul(2).round() : scores);
        // One position in four, at times fewer than are asked for.
        var mask = rand([shape[0], 1, height, width], ScalarType.Float64, generator: new Generator((ulong)seed + 2)).lt(0.25)
            .to(ScalarType.Float64);
        foreach (var (least, masked) in new[] { (false, false), (true, false), (false, true), (true, true) })
        {
            foreach (var k in new[] { random.NextInt64(1, Math.Min(12, height * width) + 1), height * width })
            {
                var reduction = new SelectedReduction(k, least, masked);
                var cuts = ReductionLaw.Cuts(random, height, width);
                var slopes = RandomMaps.Slopes(random);
                Tensor[] maps = masked ? [values, scores, mask] : [values, scores];
                bool[] wanted = [true, random.Next(2) == 0, .. masked ? [false] : Array.Empty<bool>()];

                var whole = ReductionLaw.Whole(reduction, maps, slopes, wanted);
                var once = ReductionLaw.ByRectangles(reduction, maps, cuts, slopes, wanted);
                var again = ReductionLaw.ByRectangles(reduction, maps, cuts, slopes, wanted);

                ReductionLaw.Agree(whole, once, 1e-12, $"{k} positions, seed {seed}");
                ReductionLaw.Agree(once, again, 0, $"{k} positions, seed {seed}, for the second time");
            }
        }
    }

    [Fact]
    public void What_cannot_be_picked_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new SelectedReduction(0));
        Assert.Equal(
            "Values at 7 positions are asked for, but the map has 2 x 3 positions; ask for fewer, or give a larger image.",
            Assert.Throws<ArgumentException>(() => new SelectedReduction(7).CheckSize(2, 3)).Message);
        Assert.Contains("scores of 1 channel", Assert.Throws<ArgumentException>(() => new SelectedReduction(2).Check([4, 4])).Message);
    }
}
