using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Models;
using StreamingCnn.Planning;

namespace StreamingCnn.Tests.Planning;

/// <summary>
/// The plan of ResNet-34 on images of 67 megapixels, against figures that were found with an independent model of the method.
/// </summary>
public class ResNetFiguresTests(ResNetFiguresTests.Trunk trunk) : IClassFixture<ResNetFiguresTests.Trunk>
{
    [Theory]
    [InlineData(8192, 418)]
    [InlineData(8161, 449)]
    public void The_late_maps_lag_by_half_a_receptive_field(long length, long lag) =>
        // With tiles of one pixel there are as many as the image has rows, and as the lag.
        Assert.Equal(length + lag, Layout(length, 1).Steps);

    [Theory]
    [InlineData(8192, 2048, 5)]
    [InlineData(8192, 256, 34)]
    [InlineData(1024, 32, 46)]
    public void So_many_tiles_complete_the_maps(long length, long tile, int tiles) => Assert.Equal(tiles, Layout(length, tile).Steps);

    [Fact]
    public void Two_rows_are_carried_of_every_map_that_has_a_strip()
    {
        var layout = Layout(2048, 256);
        var strips = trunk.Graph.Nodes
            .Where(node => !node.IsSource && !trunk.Roles.IsView(node.Index))
            .Select(node => Enumerable.Range(0, layout.Steps + 1).Max(step => layout.Cut(node.Index, step) - layout.Low(node.Index, step)))
            .ToArray();

        Assert.All(strips, strip => Assert.True(strip is 0 or 2, $"A strip of {strip} rows"));
        Assert.Contains(2, strips);
    }

    [Theory]
    [InlineData(2048, 0.29, 0.29)]
    [InlineData(1024, 0.57, 0.59)]
    [InlineData(512, 1.13, 1.19)]
    [InlineData(256, 2.19, 2.44)]
    [InlineData(128, 4.13, 5.12)]
    public void The_carry_stores_every_value_once_and_those_where_strips_cross_twice(long tile, double distinct, double withCornersThrice)
    {
        var plan = GridPlan.ExactlyOnce(trunk.Graph, [(8192, 8192)], (tile, tile), beyondBorder: true);
        var layout = Layout(8192, tile);
        long strips = 0, corners = 0;
        foreach (var node in trunk.Graph.Layers.Where(node => !trunk.Roles.IsView(node.Index)))
        {
            var carried = Enumerable.Range(1, layout.Steps - 1).Sum(step => layout.Cut(node.Index, step) - layout.Low(node.Index, step));
            strips += 2 * carried * layout.Network.Length(node.Index) * node.Channels;
            corners += carried * carried * node.Channels;
        }

        // Where strips are as large as the map, its last tile stores nothing.
        Assert.InRange(plan.CarriedValues, strips - (strips / 1000), strips);
        // The figures, in GiB to two decimals, are of distinct values, and of strips that hand every corner on by itself as well.
        Assert.Equal(distinct, Gibibytes(strips - corners), 0.005);
        Assert.Equal(withCornersThrice, Gibibytes(strips + corners), 0.005);

        static double Gibibytes(long values) => values * sizeof(float) / (double)(1L << 30);
    }

    private ExactlyOnceLayout Layout(long length, long tile) =>
        new(new AxisNetwork(trunk.Graph, Axis.Rows, length), trunk.Roles, tile, beyondBorder: true);

    /// <summary>The network, made once for all tests.</summary>
    public sealed class Trunk
    {
        public Trunk()
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            var resnet = new ResNetTrunk(34);
            resnet.eval();
            Graph = GraphBuilder.Trace(resnet, 3).Local;
            Roles = new(Graph);
        }

        internal NetworkGraph Graph { get; }

        internal MapRoles Roles { get; }
    }
}
