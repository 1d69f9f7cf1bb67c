using CsCheck;
using StreamingCnn.Execution;
using StreamingCnn.Execution.Stages;
using StreamingCnn.Geometry;
using StreamingCnn.Interop;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Stages;

/// <summary>What is read of a map on a shelf is what was written or added, to the bit, wherever the map waits.</summary>
public sealed class StoredMapTests
{
    private static readonly ScalarType[] Types = [ScalarType.BFloat16, ScalarType.Float32, ScalarType.Float64];

    private static readonly Gen<Case> AnyCase = Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Long[1, 3], Gen.Long[1, 6], Gen.Long[1, 40], Gen.Long[1, 40], Gen.Int[0, 2],
        (seed, batch, channels, height, width, type) => new Case(seed, new(batch, channels, height, width), Types[type]));

    [Fact]
    public void Windows_equal_what_was_written_in_any_order_type_and_format() => AnyCase.Sample(
        c =>
        {
            using var scope = NewDisposeScope();
            var random = new Random(c.Seed);
            using var shelf = Shelf(random);
            using var map = shelf.New(c.Shape, c.Type);
            var whole = randn(c.Shape.Of(c.Shape.Whole), dtype: Types[random.Next(3)]);
            map.Begin(c.Shape.Batch, c.Shape.Channels, c.Shape.Height, c.Shape.Width);

            foreach (var region in Divided(c.Shape.Whole, random))
            {
                var values = Format(random).Copy(whole.Part(c.Shape.Whole, region));
                map.Write(region.Rows.Start, region.Columns.Start, values);
                // The call's values are the caller's again.
                values.zero_();
            }

            map.Complete();

            Check(map, whole.to(c.Type), random);
        },
        iter: 150,
        threads: 1);

    [Fact]
    public void Stages_add_up_and_where_nothing_was_added_there_are_zeros() => AnyCase.Sample(
        c =>
        {
            using var scope = NewDisposeScope();
            var random = new Random(c.Seed);
            using var shelf = Shelf(random);
            using var map = shelf.New(c.Shape, c.Type);
            var expected = zeros(c.Shape.Of(c.Shape.Whole), dtype: c.Type);
            var first = random.NextInt64(c.Shape.Height);

            for (var stage = random.Next(1, 4); stage > 0; stage--)
            {
                var part = randn(c.Shape.Of(c.Shape.Whole), dtype: Types[random.Next(3)]);
                var touched = c.Shape.Whole with { Rows = new(first, c.Shape.Height) };
                foreach (var region in random.Next(2) == 0 ? RowsFromTheBottom(touched, random) : Divided(touched, random))
                    map.Add(region.Rows.Start, region.Columns.Start, Format(random).Copy(part.Part(c.Shape.Whole, region)));
                expected.Part(c.Shape.Whole, touched).Accumulate(part.Part(c.Shape.Whole, touched));
            }

            map.Complete();

            Check(map, expected, random);
        },
        iter: 150,
        threads: 1);

    [Fact]
    public void A_position_that_comes_twice_or_never_is_refused()
    {
        using var scope = NewDisposeScope();
        using var shelf = new MemoryShelf(CPU, MapFormat.ChannelsLast);
        using var map = shelf.New(new(1, 2, 4, 6), ScalarType.Float32);
        map.Write(0, 0, ones(1, 2, 4, 4));

        Assert.Throws<InvalidOperationException>(() => map.Read(new(new(0, 1), new(0, 1))));
        Assert.Throws<InvalidOperationException>(() => map.Write(0, 3, ones(1, 2, 4, 3)));
        Assert.Throws<InvalidOperationException>(map.Complete);
    }

    [Fact]
    public void Values_that_are_no_part_of_the_map_are_refused()
    {
        using var scope = NewDisposeScope();
        using var shelf = new MemoryShelf(CPU, MapFormat.ChannelsFirst);
        using var map = shelf.New(new(1, 2, 4, 6), ScalarType.Float32);

        Assert.Throws<InvalidOperationException>(() => map.Begin(1, 2, 4, 7));
        Assert.Throws<InvalidOperationException>(() => map.Write(2, 0, ones(1, 2, 3, 6)));
        Assert.Throws<InvalidOperationException>(() => map.Write(-1, 0, ones(1, 2, 1, 6)));
        Assert.Throws<InvalidOperationException>(() => map.Write(0, 0, ones(1, 1, 4, 6)));
    }

    [Fact]
    public void In_memory_a_window_is_a_view_and_bytes_are_those_of_the_maps()
    {
        using var scope = NewDisposeScope();
        var before = Tensor.TotalCount;
        using var shelf = new MemoryShelf(CPU, MapFormat.ChannelsLast);
        var (one, other) = (shelf.New(new(1, 2, 4, 6), ScalarType.Float32), shelf.New(new(1, 2, 4, 6), ScalarType.BFloat16));
        Assert.Equal(0, shelf.Bytes);

        one.Write(0, 0, ones(1, 2, 4, 6));
        other.AddRows(0, ones(1, 2, 4, 6));
        one.Complete();
        Assert.Equal(48 * 6, shelf.Bytes);
        using (var window = one.Read(new(new(1, 3), new(2, 5))))
        using (var again = one.Read(new(new(1, 3), new(2, 5))))
        {
            window.fill_(7);
            Assert.True(Compare.AreEqual(window, again));
            Assert.Equal(MapFormat.ChannelsLast, window.Format());
        }

        for (var i = 0; i < 2; i++)
        {
            one.Dispose();
            other.Dispose();
        }

        Assert.Equal((0, 48 * 6, 0), (shelf.Bytes, shelf.PeakBytes, shelf.PeakBytesElsewhere));
    }

    private static IMapShelf Shelf(Random random)
    {
        var (format, most) = (Format(random), random.Next(20_000));
        return random.Next(3) switch
        {
            0 => new MemoryShelf(CPU, format),
            1 => new RestingMapShelf(new HostScratch(), CPU, format, most),
            _ => new RestingMapShelf(new ScratchFile("store of maps", null, 0), CPU, format, most),
        };
    }

    private static MapFormat Format(Random random) => random.Next(2) == 0 ? MapFormat.ChannelsFirst : MapFormat.ChannelsLast;

    /// <summary>Random windows, some of them announced, in any order.</summary>
    private static void Check(StoredMap map, Tensor expected, Random random)
    {
        var whole = map.Shape.Whole;
        for (var round = 0; round < 4; round++)
        {
            var windows = Enumerable.Range(0, 4)
                .Select(_ => new Region(Within(whole.Rows, random), Within(whole.Columns, random)))
                .ToArray();
            foreach (var window in windows.Where(_ => random.Next(3) > 0))
                map.Prefetch(window);
            if (random.Next(4) == 0)
                map.Rest();
            random.Shuffle(windows);
            foreach (var window in windows)
            {
                var read = map.Read(window);
                Assert.Equal(map.Type, read.dtype);
                Assert.True(Compare.AreEqual(read, expected.Part(whole, window)), $"{window} differs.");
            }
        }
    }

    private static Interval Within(Interval all, Random random)
    {
        var start = random.NextInt64(all.Start, all.End);
        return new(start, random.NextInt64(start, all.End) + 1);
    }

    private static Region[] RowsFromTheBottom(Region whole, Random random)
    {
        var regions = new List<Region>();
        for (var end = whole.Rows.End; end > whole.Rows.Start; end = regions[^1].Rows.Start)
            regions.Add(whole with { Rows = new(random.NextInt64(whole.Rows.Start, end), end) });
        return [.. regions];
    }

    /// <summary>Rectangles that partition a region, in any order.</summary>
    private static Region[] Divided(Region whole, Random random)
    {
        var regions = new List<Region> { whole };
        for (var cut = random.Next(12); cut > 0; cut--)
        {
            var region = regions[random.Next(regions.Count)];
            var along = random.Next(2) == 0 ? region.Rows : region.Columns;
            if (along.Length < 2)
                continue;
            var at = random.NextInt64(along.Start + 1, along.End);
            regions.Remove(region);
            regions.AddRange(along == region.Rows
                ? [region with { Rows = new(along.Start, at) }, region with { Rows = new(at, along.End) }]
                : [region with { Columns = new(along.Start, at) }, region with { Columns = new(at, along.End) }]);
        }

        var divided = regions.ToArray();
        random.Shuffle(divided);
        return divided;
    }

    private sealed record Case(int Seed, MapShape Shape, ScalarType Type);
}
