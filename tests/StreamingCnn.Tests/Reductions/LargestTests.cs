using StreamingCnn.Reductions;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Reductions;

/// <summary>Largest values and bins of random maps, many of them equal, cut at random.</summary>
public class LargestTests
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
        // Among whole numbers many are equal; elsewhere rounding would show.
        var values = randn(shape, ScalarType.Float64, generator: new Generator((ulong)seed));
        values = RandomMaps.Format(random, random.Next(2) == 0 ? values.mul(2).round() : values);
        if (random.Next(3) == 0)
        {
            var some = rand(shape, generator: new Generator((ulong)seed)).lt(0.1);
            values = RandomMaps.Format(random, values.masked_fill(some, random.Next(2) == 0 ? double.NaN : double.NegativeInfinity));
        }

        MapReduction[] reductions =
        [
            new MaxReduction(), new TopKReduction(random.NextInt64(1, Math.Min(12, height * width) + 1)), new TopKReduction(height * width),
            new BinsReduction(random.Next(1, 9), random.Next(1, 9), BinValue.Max),
            new BinsReduction(random.Next(1, 9), random.Next(1, 9), BinValue.Average),
        ];
        foreach (var reduction in reductions)
        {
            var maps = reduction.Results == 1 ? [values.nan_to_num(0, 1, -1)] : new[] { values };
            var cuts = ReductionLaw.Cuts(random, height, width);
            var slopes = RandomMaps.Slopes(random);

            var whole = ReductionLaw.Whole(reduction, maps, slopes, [true]);
            var once = ReductionLaw.ByRectangles(reduction, maps, cuts, slopes, [true]);
            var again = ReductionLaw.ByRectangles(reduction, maps, cuts, slopes, [true]);

            ReductionLaw.Agree(whole, once, 1e-12, $"{reduction.Name}, seed {seed}");
            ReductionLaw.Agree(once, again, 0, $"{reduction.Name}, seed {seed}, for the second time");
        }
    }

    /// <summary>The first in raster order may be in the tile that comes last.</summary>
    [Fact]
    public void Of_equal_values_the_first_has_the_place_whichever_tile_comes_first()
    {
        using var scope = NewDisposeScope();
        var maps = new[] { zeros([1, 1, 4, 6]) };
        (long, long, long, long)[] cuts = [(2, 0, 2, 6), (0, 3, 2, 3), (0, 0, 2, 3)];

        var max = ReductionLaw.ByRectangles(new MaxReduction(), maps, cuts, results => [ones_like(results[0]), null], [true]);
        var top = ReductionLaw.ByRectangles(new TopKReduction(5), maps, cuts, results => [ones_like(results[0]), null], [true]);

        Assert.Equal(0, max.Results[1].item<double>());
        Assert.Equal(1, max.Gradients[0]![0, 0, 0, 0].item<float>());
        Assert.Equal([0, 1, 2, 3, 4], top.Results[1].data<double>().ToArray());
        Assert.Equal(5, top.Gradients[0]![0, 0, 0].sum().item<float>());
    }

    /// <summary>The types in which tiles come; of bfloat16 nothing is lost but in the last rounding.</summary>
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Types_are_kept(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var map = randn([1, 2, 9, 7], generator: new Generator(3)).to(type);
        MapReduction[] reductions =
            [new MaxReduction(), new TopKReduction(4), new BinsReduction(2, 3, BinValue.Max), new BinsReduction(2, 3, BinValue.Average)];
        foreach (var reduction in reductions)
        {
            var precise = ReductionLaw.Whole(reduction, [map.to(ScalarType.Float64)], Ones, [true]);
            var found = ReductionLaw.ByRectangles(reduction, [map], [(0, 0, 9, 3), (0, 3, 4, 4), (4, 3, 5, 4)], Ones, [true]);

            Assert.InRange(ReductionLaw.Distance(precise.Results[0], found.Results[0]), 0, 1e-6);
            Assert.InRange(ReductionLaw.Distance(precise.Gradients[0]!, found.Gradients[0]!), 0, type == ScalarType.Float32 ? 1e-6 : 4e-3);
        }

        IReadOnlyList<Tensor?> Ones(IReadOnlyList<Tensor> results) =>
            [.. results.Select((result, place) => place == 0 ? ones_like(result) : null)];
    }

    [Fact]
    public void Places_of_huge_maps_are_exact()
    {
        using var scope = NewDisposeScope();
        using var run = new TopKReduction(2).Start(new(1, [1], 100_000, 100_001, CPU));
        using var max = new MaxReduction().Start(new(1, [1], 100_000, 100_001, CPU));

        foreach (var (value, top, left) in new[] { (1f, 99_999L, 99_999L), (2f, 99_998L, 7L), (0f, 0L, 0L) })
        {
            run.Add([full([1, 1, 1, 1], value)], top, left);
            max.Add([full([1, 1, 1, 1], value)], top, left);
        }

        double[] places = [(99_998.0 * 100_001) + 7, (99_999.0 * 100_001) + 99_999];
        Assert.Equal(places, run.Finish()[1].data<double>().ToArray());
        Assert.Equal(places[0], max.Finish()[1].item<double>());
        var slopes = tensor(new[] { 3.0, 4.0 }).reshape(1, 1, 2);
        var gradient = run.Gradient([zeros([1, 1, 2, 3])], 99_998, 5, [slopes, null], [true])[0]!;
        Assert.Equal([0, 0, 3, 0, 0, 0], gradient.data<float>().ToArray());
    }

    [Fact]
    public void More_values_than_positions_are_refused()
    {
        var refusal = Assert.Throws<ArgumentException>(() => new TopKReduction(7).Start(new(1, [1], 2, 3, CPU)));

        Assert.Equal(
            "The 7 largest values are asked for, but the map has 2 x 3 positions; ask for fewer, or give a larger image.", refusal.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new TopKReduction(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BinsReduction(0, 1, BinValue.Max));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BinsReduction(1, 0, BinValue.Average));
    }
}
