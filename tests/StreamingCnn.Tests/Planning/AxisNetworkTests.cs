using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>Networks along their axes: what cannot be applied to a size is named, and how far maps reach.</summary>
public class AxisNetworkTests
{
    private static readonly MapSettings Same = new(MapKind.Window, 3, 1, 1, 1, 1);
    private static readonly MapSettings Valid = new(MapKind.Window, 5);

    /// <summary>Each map is joined with the source: which of its sides differ decides what is said.</summary>
    [Fact]
    public void Maps_that_are_joined_and_differ_are_named_with_both_sizes()
    {
        var joined = Assert.Throws<UnsupportedLayerException>(() => AxisNetwork.Of(Joined(Valid, Valid), [(20, 30)]));
        Assert.Contains("cannot be applied to an image of 20 x 30: joins maps of different size: 20 x 30 and 16 x 26", joined.Message);
        joined = Assert.Throws<UnsupportedLayerException>(() => AxisNetwork.Of(Joined(Valid, Same), [(20, 30)]));
        Assert.Contains("joins maps of different size: 20 x 30 and 16 x 30", joined.Message);
        joined = Assert.Throws<UnsupportedLayerException>(() => AxisNetwork.Of(Joined(Same, Valid), [(20, 30)]));
        Assert.Contains("joins maps of different size: 20 x 30 and 20 x 26", joined.Message);
        Assert.NotNull(AxisNetwork.Of(Joined(Same, Same), [(20, 30)]).Rows);

        var alone = Assert.Throws<UnsupportedLayerException>(() => new AxisNetwork(Joined(Valid, Same), Axis.Rows, 20));
        Assert.Contains("an image of height 20: joins maps of different height: 20 and 16", alone.Message);
        alone = Assert.Throws<UnsupportedLayerException>(() => new AxisNetwork(Joined(Same, Valid), Axis.Columns, 20));
        Assert.Contains("an image of width 20: joins maps of different width: 20 and 16", alone.Message);
    }

    /// <summary>Of two layers that are refused the first; along rows before columns where it is the same.</summary>
    [Fact]
    public void The_first_layer_that_cannot_be_applied_is_named_with_the_side_that_is_too_small()
    {
        var graph = new NetworkGraph(
            [
                new(0, null, [], 1, "image"),
                new(1, new StandInLayer(Same, Valid), [0], 1, "wide"),
                new(2, new StandInLayer(Valid, Same), [1], 1, "tall"),
                new(3, new StandInLayer(Same, Same), [0, 2], 1, "joined"),
            ],
            [3]);
        Assert.Contains("tall", Refusal(4, 6), StringComparison.Ordinal);
        Assert.Contains("an image of height 4:", Refusal(4, 6), StringComparison.Ordinal);
        Assert.Contains("wide", Refusal(6, 4), StringComparison.Ordinal);
        Assert.Contains("an image of width 4:", Refusal(6, 4), StringComparison.Ordinal);
        Assert.Contains("wide", Refusal(4, 4), StringComparison.Ordinal);
        Assert.Contains("joined", Refusal(9, 9), StringComparison.Ordinal);
        Assert.Contains("9 x 9 and 5 x 5", Refusal(9, 9), StringComparison.Ordinal);

        var both = Assert.Throws<UnsupportedLayerException>(() => AxisNetwork.Of(RandomGraph.Chain(Valid), [(4, 4)]));
        Assert.Contains("an image of height 4:", both.Message);

        string Refusal(long height, long width) =>
            Assert.Throws<UnsupportedLayerException>(() => AxisNetwork.Of(graph, [(height, width)])).Message;
    }

    [Fact]
    public void Sizes_of_several_sources_are_named_in_their_order()
    {
        var graph = new NetworkGraph(
            [
                new(0, null, [], 1, "image"),
                new(1, null, [], 1, "mask"),
                new(2, new StandInLayer(Same, Same), [0, 1], 1, "joined"),
            ],
            [2]);

        var refusal = Assert.Throws<UnsupportedLayerException>(() => AxisNetwork.Of(graph, [(9, 8), (9, 7)]));

        Assert.Contains("inputs of 9 x 8 and 9 x 7: joins maps of different size: 9 x 8 and 9 x 7", refusal.Message);
        var along = Assert.Throws<UnsupportedLayerException>(() => new AxisNetwork(graph, Axis.Columns, 8, 7));
        Assert.Contains("inputs of width 8 and 7: joins maps of different width: 8 and 7", along.Message);
    }

    /// <summary>The largest source that is read sets the pace, by its area where both axes are known.</summary>
    [Fact]
    public void The_largest_source_that_is_read_sets_the_pace()
    {
        MapSettings Resize(long resized) => new(MapKind.Nearest, Resized: resized);
        var graph = new NetworkGraph(
            [
                new(0, null, [], 1, "nobody's"),
                new(1, null, [], 1, "first"),
                new(2, null, [], 1, "second"),
                new(3, new StandInLayer(Resize(8), Resize(8)), [1], 1, "first resized"),
                new(4, new StandInLayer(Resize(8), Resize(8)), [2], 1, "second resized"),
                new(5, new StandInLayer(Same, Same), [3, 4], 1, "joined"),
            ],
            [5]);

        Assert.Equal((2, 20L), Pace(AxisNetwork.Of(graph, [(99, 99), (30, 10), (20, 20)]).Rows));
        Assert.Equal((2, 21L), Pace(AxisNetwork.Of(graph, [(99, 99), (30, 10), (20, 21)]).Columns));
        Assert.Equal((1, 30L), Pace(AxisNetwork.Of(graph, [(99, 99), (30, 20), (20, 30)]).Rows));
        Assert.Equal((1, 30L), Pace(new AxisNetwork(graph, Axis.Rows, 99, 30, 20)));

        static (int, long) Pace(AxisNetwork network) => (network.Pace, network.PaceLength);
    }

    /// <summary>A map is complete once all that its last position reads has come, of padding as of the image.</summary>
    [Fact]
    public void A_map_reaches_as_far_as_its_receptive_field_and_an_empty_set_nowhere()
    {
        var graph = RandomGraph.Chain(Same, Same with { Stride = 2 }, Same);
        var network = new AxisNetwork(graph, Axis.Rows, 40);

        Assert.Equal(
            [40L, 41, 41, 43], Enumerable.Range(0, 4).Select(node => network.Reach([node])));
        Assert.Equal(43, network.Reach([1, 3, 2]));
        Assert.Equal(41, network.Reach([2, 1]));
        Assert.Equal(0, network.Reach([]));
        Assert.Equal(3, ExactlyOnceLayout.Lag(network));
    }

    private static NetworkGraph Joined(MapSettings rows, MapSettings columns) => new(
        [
            new(0, null, [], 1, "image"),
            new(1, new StandInLayer(rows, columns), [0], 1, "layer"),
            new(2, new StandInLayer(Same, Same), [0, 1], 1, "joined"),
        ],
        [2]);
}
