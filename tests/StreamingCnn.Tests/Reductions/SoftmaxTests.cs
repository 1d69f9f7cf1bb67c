using StreamingCnn.Reductions;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Reductions;

/// <summary>Softmax-weighted means and log-sum-exps of random maps, cut at random.</summary>
public class SoftmaxTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, Cases.Or(12))];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Rectangles_give_what_whole_maps_give(int seed)
    {
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        foreach (var masked in new[] { false, true })
        {
            var (values, scores, mask) = Maps(random, seed);
            Check(new SoftmaxSumReduction(masked), masked ? [values, scores, mask] : [values, scores]);
            Check(new LogSumExpReduction(masked), masked ? [values, mask] : [values]);
        }

        void Check(MapReduction reduction, Tensor[] maps)
        {
            var cuts = ReductionLaw.Cuts(random, maps[0].shape[2], maps[0].shape[3]);
            var slopes = RandomMaps.Slopes(random);
            bool[] wanted = [.. maps.Select(_ => random.Next(4) > 0)];

            var whole = ReductionLaw.Whole(reduction, maps, slopes, wanted);
            var once = ReductionLaw.ByRectangles(reduction, maps, cuts, slopes, wanted);
            var again = ReductionLaw.ByRectangles(reduction, maps, cuts, slopes, wanted);

            ReductionLaw.Agree(whole, once, 1e-12, $"{reduction.Name}, {maps.Length} maps, seed {seed}");
            ReductionLaw.Agree(once, again, 0, $"{reduction.Name}, {maps.Length} maps, seed {seed}, for the second time");
        }
    }

    /// <summary>The largest score may come first, last or between, and lie thousands above the others.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(7)]
    public void Scores_far_apart_neither_overflow_nor_vanish(int peak)
    {
        using var scope = NewDisposeScope();
        var scores = arange(8, ScalarType.Float64).mul(1e-3).add(-5000).reshape(1, 1, 1, 8);
        scores[0, 0, 0, peak] = tensor(5000.0);
        var values = arange(8, ScalarType.Float64).reshape(1, 1, 1, 8);

        (long, long, long, long)[] cuts = [(0, 0, 1, 3), (0, 3, 1, 1), (0, 4, 1, 4)];
        var found = ReductionLaw.ByRectangles(new SoftmaxSumReduction(), [values, scores], cuts, Ones, [true, true]);

        Assert.Equal(peak, found.Results[0].item<double>());
        Assert.Equal(5000, found.Results[1].item<double>());
        Assert.Equal(1, found.Gradients[0]![0, 0, 0, peak].item<double>());
        Assert.Equal(1, found.Gradients[0]!.sum().item<double>());
        Assert.Equal(1, found.Gradients[1]![0, 0, 0, peak].item<double>());
    }

    /// <summary>Minus infinity less minus infinity is no number; nor is what is left of a map without positions.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Where_nothing_is_left_the_mean_is_zero_and_so_are_gradients(bool masked)
    {
        using var scope = NewDisposeScope();
        var values = randn([2, 3, 4, 5], ScalarType.Float64);
        var scores = masked ? randn([2, 1, 4, 5], ScalarType.Float64) : full([2, 1, 4, 5], double.NegativeInfinity, ScalarType.Float64);
        Tensor[] maps = masked ? [values, scores, zeros([2, 1, 4, 5], ScalarType.Float64)] : [values, scores];

        bool[] wanted = [.. maps.Select(_ => true)];
        var found = ReductionLaw.ByRectangles(new SoftmaxSumReduction(masked), maps, [(0, 0, 4, 2), (0, 2, 4, 3)], Ones, wanted);

        Assert.True(found.Results[0].eq(0).all().item<bool>());
        Assert.True(found.Results[1].isneginf().all().item<bool>());
        Assert.All(found.Gradients, gradient => Assert.True(gradient!.eq(0).all().item<bool>()));
    }

    /// <summary>What a mask removes may hold anything.</summary>
    [Fact]
    public void What_is_masked_is_not_looked_at()
    {
        using var scope = NewDisposeScope();
        var random = new Random(1);
        var (values, scores) = (randn([1, 2, 6, 6], ScalarType.Float64), randn([1, 1, 6, 6], ScalarType.Float64));
        var mask = ones([1, 1, 6, 6], ScalarType.Float64);
        mask.narrow(2, 2, 2).zero_();
        Tensor[] spoiledMaps = [values.masked_fill(mask.eq(0), double.NaN), scores.masked_fill(mask.eq(0), double.PositiveInfinity), mask];
        var cuts = ReductionLaw.Cuts(random, 6, 6);
        var slopes = RandomMaps.Slopes(random);

        var clean = ReductionLaw.ByRectangles(new SoftmaxSumReduction(true), [values, scores, mask], cuts, slopes, [true, true, false]);
        var spoiled = ReductionLaw.ByRectangles(new SoftmaxSumReduction(true), spoiledMaps, cuts, slopes, [true, true, false]);

        ReductionLaw.Agree(clean, spoiled, 0, "masked values that are no numbers");
    }

    private static IReadOnlyList<Tensor?> Ones(IReadOnlyList<Tensor> results) => [.. results.Select(result => ones_like(result))];

    private static (Tensor Values, Tensor Scores, Tensor Mask) Maps(Random random, int seed)
    {
        var shape = RandomMaps.Shape(random);
        var generator = new Generator((ulong)seed);
        var scoreChannels = random.Next(2) == 0 ? 1 : shape[1];
        var values = RandomMaps.Format(random, randn(shape, ScalarType.Float64, generator: generator));
        var scores = randn([shape[0], scoreChannels, shape[2], shape[3]], ScalarType.Float64, generator: generator).mul(5);
        return (values, RandomMaps.Format(random, scores), RandomMaps.Mask(random, generator, shape));
    }
}
