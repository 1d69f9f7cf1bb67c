using StreamingCnn.Geometry;
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

    private IEnumerable<int> Maps() => trunk.Graph.Layers.Where(node => !trunk.Roles.IsView(node.Index)).Select(node => node.Index);

    private (AxisNetwork Network, LateMaps Late) Late(long length, long tile, int period) => Late(length, tile, (Stride, period));

    private (AxisNetwork Network, LateMaps Late) Late(long length, long tile, params (int Stride, int Period)[] levels)
    {
        var network = new AxisNetwork(trunk.Graph, Axis.Rows, length);
        return (network, new LateMaps(network, new AxisNetwork(trunk.Graph, Axis.Columns, length), trunk.Roles, levels, tile));
    }
}
