using CsCheck;
using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>How the late maps of ResNet-34 advance: those of tiles at strides 16 and 32 together, in shares that are alike.</summary>
public class LateMapsTests(ResNetFiguresTests.Trunk trunk) : IClassFixture<ResNetFiguresTests.Trunk>
{
    private const int Stride = 16;
    private const int EarlierStride = 8;

    [Theory]
    [InlineData(2048, 256, 2, 4)]
    [InlineData(2048, 256, 3, 3)]
    [InlineData(2048, 128, 8, 2)]
    [InlineData(2011, 256, 4, 2)]
    [InlineData(8192, 384, 3, 7)]
    public void They_advance_in_shares_that_are_alike_though_they_lag_behind_the_image(long length, long tile, int period, int shares)
    {
        var (network, late) = Late(length, tile, period);
        var layout = new ExactlyOnceLayout(network, trunk.Roles, tile, beyondBorder: false, late);
        foreach (var node in Maps().Where(node => late.Level(node) > 0))
        {
            var stride = (double)length / network.Length(node);
            var lengths =
                Enumerable.Range(0, layout.Steps).Select(step => layout.Computed(node, step).Length).Where(rows => rows > 0).ToArray();

            Assert.Equal(shares, lengths.Length);
            // A share ends with a tile, so half a tile on either side; maps of one network lag by 150 to 450 pixels, and half of the
            // difference falls on either side as well.
            Assert.All(
                lengths,
                rows => Assert.InRange(rows * stride, ((double)length / shares) - tile - 160, ((double)length / shares) + tile + 160));
        }
    }

    [Fact]
    public void Early_ones_advance_with_every_tile()
    {
        var (network, late) = Late(2048, 256, 3);
        var layout = new ExactlyOnceLayout(network, trunk.Roles, 256, beyondBorder: false, late);

        var early = Maps().Where(node => late.Level(node) == 0).ToArray();
        Assert.NotEmpty(early);
        Assert.All(early, node => Assert.All(Enumerable.Range(0, layout.Steps), step => Assert.False(layout.Computed(node, step).IsEmpty)));
    }

    [Theory]
    [InlineData(4096, 256, 2, 16)]
    [InlineData(4096, 256, 3, 4)]
    [InlineData(2011, 96, 4, 9)]
    public void Those_further_down_may_wait_for_longer_and_advance_with_others(long length, long tile, int period, int longer)
    {
        var (network, late) = Late(length, tile, (EarlierStride, period), (Stride, longer));
        var layout = new ExactlyOnceLayout(network, trunk.Roles, tile, beyondBorder: false, late);
        int[] Steps(int level) =>
            [
                .. Enumerable.Range(0, layout.Steps).Where(
                    step => Maps().Where(node => late.Level(node) == level).All(node => !layout.Computed(node, step).IsEmpty))
            ];

        Assert.Equal(layout.Steps, Steps(0).Length);
        Assert.InRange(Steps(1).Length, LateMaps.Shares(length, period * tile) - 1, LateMaps.Shares(length, period * tile));
        Assert.Equal(LateMaps.Shares(length, longer * tile), Steps(2).Length);
        Assert.Empty(Steps(2).Except(Steps(1)));
    }

    [Fact]
    public void Strided_layers_that_make_them_do_not_wait()
    {
        var (network, late) = Late(2048, 256, 3);

        Assert.All(Maps().Where(node => late.Level(node) > 0), node => Assert.InRange(network.Length(node), 1, 2048 / Stride));
        Assert.Contains(Maps(), node => network.Length(node) == 2048 / Stride && late.Level(node) == 0);
    }

    /// <summary>Powers of two from 4 on, as far as the smallest map's stride.</summary>
    [Theory]
    [InlineData(2048, 64, new[] { 4, 8, 16, 32 })]
    [InlineData(2048, 65, new[] { 4, 8, 16, 32 })]
    [InlineData(2048, 67, new[] { 4, 8, 16 })]
    [InlineData(40, 1, new[] { 4, 8, 16, 32 })]
    [InlineData(11, 4, new int[0])]
    [InlineData(12, 4, new[] { 4 })]
    public void Strides_are_powers_of_two_up_to_the_smallest_map_s(long length, long smallest, int[] strides)
    {
        var graph = RandomGraph.Chain(
            new(MapKind.Nearest, Resized: smallest), new(MapKind.Nearest, Resized: smallest + 1), new(MapKind.Nearest, Resized: smallest));

        Assert.Equal(strides, LateMaps.Strides(new AxisNetwork(graph, Axis.Rows, length)));
    }

    /// <summary>
    /// A map belongs to as many levels as three quarters of its layer's every operand's strides reach, along both axes.
    /// </summary>
    [Theory]
    [InlineData(96, 96, 1)]
    [InlineData(106, 106, 1)]
    [InlineData(107, 96, 0)]
    [InlineData(96, 107, 0)]
    [InlineData(53, 53, 2)]
    [InlineData(53, 54, 1)]
    [InlineData(54, 53, 1)]
    public void A_map_s_level_follows_from_both_strides_of_what_its_layer_reads(long rows, long columns, int level)
    {
        // 320 pixels: 4 / 3 of them in strides of 4 are 106.7 positions, of 8 are 53.3.
        MapSettings Resize(long resized) => new(MapKind.Nearest, Resized: resized);
        var pointwise = new StandInLayer(new(MapKind.Pointwise), new(MapKind.Pointwise));
        var graph = new NetworkGraph(
            [
                new(0, null, [], 1, "image"),
                new(1, new StandInLayer(Resize(rows), Resize(columns)), [0], 1, "small"),
                new(2, pointwise, [1], 1, "late"),
                new(3, new StandInLayer(Resize(rows), Resize(columns)), [0], 1, "beside"),
                new(4, pointwise, [2, 3], 1, "joined"),
            ],
            [4]);
        var (down, across) = (new AxisNetwork(graph, Axis.Rows, 320), new AxisNetwork(graph, Axis.Columns, 320));
        var late = new LateMaps(down, across, new MapRoles(graph), [(4, 2), (8, 4)], 32);

        Assert.Equal([0, 0, level, 0, level], Enumerable.Range(0, 5).Select(late.Level));
    }

    /// <summary>What is enlarged by more than borders enlarge it, along either axis, has no late maps.</summary>
    [Theory]
    [InlineData(48, 48, true)]
    [InlineData(49, 48, false)]
    [InlineData(48, 49, false)]
    public void A_network_that_enlarges_a_map_again_has_none(long rows, long columns, bool hasLevels)
    {
        // A sixteenth of 320 pixels and 8 more may come from borders.
        MapSettings Resize(long resized) => new(MapKind.Nearest, Resized: resized);
        var graph = new NetworkGraph(
            [
                new(0, null, [], 1, "image"),
                new(1, new StandInLayer(Resize(20), Resize(20)), [0], 1, "small"),
                new(2, new StandInLayer(Resize(rows), Resize(columns)), [1], 1, "enlarged"),
            ],
            [2]);
        var late = new LateMaps(
            new AxisNetwork(graph, Axis.Rows, 320), new AxisNetwork(graph, Axis.Columns, 320), new MapRoles(graph), [(4, 2)], 32);

        Assert.Equal(hasLevels, late.Levels.Count == 1);
    }

    [Theory]
    [InlineData(100, 50, 2)]
    [InlineData(100, 300, 1)]
    [InlineData(100, 70, 1)]
    [InlineData(100, 60, 2)]
    [InlineData(1, 1000, 1)]
    public void Shares_are_at_least_one(long length, long step, long shares) => Assert.Equal(shares, LateMaps.Shares(length, step));

    /// <summary>
    /// Whatever the network: the last tile completes every level, a level advances when the one before it does, and one whose period is no
    /// longer than a tile advances as that does.
    /// </summary>
    [Fact]
    public void The_last_tile_completes_all_and_levels_follow_each_other() => Gen.Select(
        Gen.Int[0, 1_000_000], Gen.Int[3, 9], Gen.Int[60, 180], Gen.Int[4, 40], Gen.Int[1, 5], Gen.Int[1, 5]).Sample(
        (seed, layers, length, tile, first, second) =>
        {
            var graph = RandomGraph.Grow(seed, layers, length, length, MapKind.Window, MapKind.Pointwise);
            var (rows, columns) = (new AxisNetwork(graph, Axis.Rows, length), new AxisNetwork(graph, Axis.Columns, length));
            var late = new LateMaps(rows, columns, new MapRoles(graph), [(2, first), (4, second)], tile);
            var steps = (int)Division.Ceiling(length, tile);
            var advances = late.Advances(rows, tile, steps);

            Law.Holds(advances[0].All(one => one) && advances[0].Length == steps, $"seed {seed}: a tile without early maps");
            for (var level = 1; level < advances.Length; level++)
            {
                Law.Holds(advances[level][^1], $"seed {seed}: the last tile does not complete level {level}");
                var isThere = Enumerable.Range(0, graph.Nodes.Count).Any(node => late.Level(node) == level);
                if (!isThere)
                    continue;
                Law.Holds(
                    advances[level].Zip(advances[level - 1]).All(pair => !pair.First || pair.Second),
                    $"seed {seed}: level {level} advances without the one before it");
                if (late.Levels[level - 1].Period == 1)
                    Law.Holds(advances[level].SequenceEqual(advances[level - 1]), $"seed {seed}: level {level} waits, for one tile");
                else
                    Law.Holds(
                        advances[level].Count(one => one) <= LateMaps.Shares(length, late.Levels[level - 1].Period * tile),
                        $"seed {seed}: level {level} advances too often");
            }
        },
        iter: 500,
        threads: 1);

    private IEnumerable<int> Maps() => trunk.Graph.Layers.Where(node => !trunk.Roles.IsView(node.Index)).Select(node => node.Index);

    private (AxisNetwork Network, LateMaps Late) Late(long length, long tile, int period) => Late(length, tile, (Stride, period));

    private (AxisNetwork Network, LateMaps Late) Late(long length, long tile, params (int Stride, int Period)[] levels)
    {
        var network = new AxisNetwork(trunk.Graph, Axis.Rows, length);
        return (network, new LateMaps(network, new AxisNetwork(trunk.Graph, Axis.Columns, length), trunk.Roles, levels, tile));
    }
}
