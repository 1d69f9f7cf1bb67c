using StreamingCnn.Interop;
using StreamingCnn.Reductions;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Reductions;

/// <summary>Sums and moments of random maps, cut at random.</summary>
public class SumsTests
{
    private const double Exact = 1e-12;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, Cases.Or(12))];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Rectangles_give_what_whole_maps_give(int seed)
    {
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        foreach (var weighted in new[] { false, true })
        {
            foreach (MapReduction reduction in new MapReduction[] { new SumReduction(weighted), new MomentsReduction(weighted) })
            {
                var maps = RandomMaps.Of(random, seed, weighted);
                var cuts = ReductionLaw.Cuts(random, maps[0].shape[2], maps[0].shape[3]);
                var slopes = RandomMaps.Slopes(random);
                bool[] wanted = [random.Next(4) > 0, random.Next(4) > 0];

                var whole = ReductionLaw.Whole(reduction, maps, slopes, wanted);
                var once = ReductionLaw.ByRectangles(reduction, maps, cuts, slopes, wanted);
                var again = ReductionLaw.ByRectangles(reduction, maps, cuts, slopes, wanted);

                ReductionLaw.Agree(whole, once, Exact, $"{reduction.Name}, weighted {weighted}, seed {seed}");
                ReductionLaw.Agree(once, again, 0, $"{reduction.Name}, weighted {weighted}, seed {seed}, for the second time");
            }
        }
    }

    /// <summary>Sums of squares would be off by 7e-3; a slope about the mean as float32 has it, by 1e-4 of the larger mean.</summary>
    [Theory]
    [InlineData(false, 1000)]
    [InlineData(true, 1000)]
    [InlineData(false, 16384)]
    [InlineData(true, 16384)]
    public void A_large_mean_does_not_hide_a_small_variance(bool weighted, double about)
    {
        using var scope = NewDisposeScope();
        var values = randn([2, 3, 300, 200], ScalarType.Float64, generator: new Generator(7)).add(about).to(ScalarType.Float32);
        Tensor[] maps = weighted ? [values, ones([2, 1, 300, 200])] : [values];
        Tensor[] precise = [.. maps.Select(map => map.to(ScalarType.Float64))];
        (long, long, long, long)[] cuts = [(0, 0, 300, 90), (0, 90, 110, 110), (110, 90, 190, 110)];

        var whole = ReductionLaw.Whole(new MomentsReduction(weighted), precise, Given, [true, weighted]);
        var found = ReductionLaw.ByRectangles(new MomentsReduction(weighted), maps, cuts, Given, [true, weighted]);

        Assert.InRange(ReductionLaw.Distance(whole.Results[0], found.Results[0]), 0, 1e-7);
        Assert.InRange(ReductionLaw.Distance(whole.Results[1], found.Results[1]), 0, 1e-5);
        Assert.InRange(ReductionLaw.Distance(whole.Gradients[0]!, found.Gradients[0]!), 0, 1e-5);

        IReadOnlyList<Tensor?> Given(IReadOnlyList<Tensor> results) => [ones_like(results[0]), ones_like(results[1]), null];
    }

    /// <summary>
    /// Maps in float32 are read by a kernel of their own, 32 channels, 8 or one at a time, in either format, and as views.
    /// </summary>
    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(2, 3, 7, 5)]
    [InlineData(1, 45, 23, 70)]
    [InlineData(2, 8, 66, 33)]
    [InlineData(1, 100, 40, 301)]
    [InlineData(1, 2, 300, 1100)]
    public void Float32_maps_have_the_moments_of_float64(long batch, long channels, long height, long width)
    {
        using var scope = NewDisposeScope();
        var random = new Random((int)channels);
        var larger = rand([batch, channels + 1, height + 2, width + 1], ScalarType.Float32, generator: new Generator(5)).add(1);
        foreach (var format in new[] { MapFormat.ChannelsFirst, MapFormat.ChannelsLast })
        {
            var map = format.Copy(larger).narrow(1, 1, channels).narrow(2, 1, height).narrow(3, 0, width);
            var slopes = RandomMaps.Slopes(random);
            (long, long, long, long)[] cuts =
                width < 3 ? [(0, 0, height, width)] : [(0, 0, height, 2), (0, 2, height, width - 2)];

            var precise = ReductionLaw.Whole(new MomentsReduction(), [map.to(ScalarType.Float64)], slopes, [true]);
            var found = ReductionLaw.ByRectangles(new MomentsReduction(), [map], cuts, slopes, [true]);
            var again = ReductionLaw.ByRectangles(new MomentsReduction(), [map], cuts, slopes, [true]);

            ReductionLaw.Agree(precise, found, 3e-6, $"{batch} x {channels} x {height} x {width}, {format}");
            ReductionLaw.Agree(found, again, 0, $"{batch} x {channels} x {height} x {width}, {format}, for the second time");
        }
    }

    /// <summary>A map is cut into the same bands for any number of threads.</summary>
    [Fact]
    public void Threads_change_no_bits()
    {
        using var scope = NewDisposeScope();
        var map = MapFormat.ChannelsLast.Copy(randn([1, 40, 256, 200], generator: new Generator(5)));
        var threads = get_num_threads();
        var alone = Moments();
        ReductionLaw.Outcome together;
        set_num_threads(3);
        try
        {
            together = Moments();
        }
        finally
        {
            set_num_threads(threads);
        }

        ReductionLaw.Agree(alone, together, 0, "three threads");

        ReductionLaw.Outcome Moments() => ReductionLaw.ByRectangles(
            new MomentsReduction(), [map], [(0, 0, 256, 200)], results => [.. results.Select(result => ones_like(result))], [true]);
    }

    /// <summary>The law itself notices what it is there for: a slope that leaves out the mean's part.</summary>
    [Fact]
    public void A_slope_without_the_means_part_is_noticed()
    {
        using var scope = NewDisposeScope();
        var maps = RandomMaps.Of(new Random(2), 2, weighted: false);
        (long, long, long, long)[] cuts = [(0, 0, maps[0].shape[2], maps[0].shape[3])];

        var whole = ReductionLaw.Whole(
            new MomentsReduction(), maps, results => [ones_like(results[0]), ones_like(results[1]), null], [true]);
        var lame = ReductionLaw.ByRectangles(new MomentsReduction(), maps, cuts, results => [null, ones_like(results[1]), null], [true]);

        Assert.ThrowsAny<Exception>(() => ReductionLaw.Agree(whole, lame, 1e-12, "a lame slope"));
    }

    /// <summary>A channel that is the same everywhere has a variance of zero, not one of roundings.</summary>
    [Fact]
    public void A_constant_map_has_no_variance()
    {
        using var scope = NewDisposeScope();
        var maps = new[] { full([1, 2, 40, 50], 1000.1f) };

        var found = ReductionLaw.ByRectangles(
            new MomentsReduction(), maps, [(0, 0, 40, 23), (0, 23, 40, 27)], results => [null, ones_like(results[1]), null], [true]);

        Assert.InRange(found.Results[1].max().item<double>() / 2000, 0, 1e-7);
    }

    /// <summary>Rectangles in bfloat16 are summed up in float32: 65,535 ones are not 256.</summary>
    [Fact]
    public void BFloat16_is_summed_up_in_a_wider_type()
    {
        using var scope = NewDisposeScope();
        var maps = new[] { ones([1, 1, 257, 255], ScalarType.BFloat16) };

        var sum = ReductionLaw.ByRectangles(new SumReduction(), maps, [(0, 0, 257, 255)], results => [ones_like(results[0]), null], [true]);
        var moments = ReductionLaw.ByRectangles(new MomentsReduction(), maps, [(0, 0, 257, 255)], results => [null, null, null], [false]);

        Assert.Equal(65535, sum.Results[0].item<double>());
        Assert.Equal(1, moments.Results[0].item<double>());
        Assert.True(sum.Gradients[0]!.eq(1).all().item<bool>());
    }

    /// <summary>Where a mask leaves nothing, all is zero, and nothing is no number.</summary>
    [Fact]
    public void Nothing_counts_as_zero()
    {
        using var scope = NewDisposeScope();
        Tensor[] maps = [randn(1, 2, 4, 5), zeros([1, 1, 4, 5])];
        foreach (MapReduction reduction in new MapReduction[] { new SumReduction(true), new MomentsReduction(true) })
        {
            var found = ReductionLaw.ByRectangles(
                reduction, maps, [(0, 0, 4, 2), (0, 2, 4, 3)], results => [.. results.Select(result => ones_like(result))], [true, false]);

            Assert.All(found.Results, result => Assert.True(result.eq(0).all().item<bool>()));
            Assert.True(found.Gradients[0]!.eq(0).all().item<bool>());
        }
    }

    [Fact]
    public void Channels_that_do_not_fit_are_refused()
    {
        var refusal = Assert.Throws<ArgumentException>(() => new SumReduction(true).Check([4, 3]));

        Assert.Equal(
            "SumReduction cannot take a map of 4 channels with one of 3; give that one 1 channel, or as many as the first.",
            refusal.Message);
        Assert.Throws<ArgumentException>(() => new MomentsReduction(true).Check([4]));
        new MomentsReduction(true).Check([4, 1]);
        new MomentsReduction(true).Check([4, 4]);
    }
}
