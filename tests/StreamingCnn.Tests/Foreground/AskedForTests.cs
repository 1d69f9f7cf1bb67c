using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Models;
using StreamingCnn.Planning;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Foreground;

/// <summary>How much is asked for of a network where a part of its output matters.</summary>
public sealed class AskedForTests
{
    /// <summary>Bounds are what is asked for position by position, found with an independent model of the method.</summary>
    [Theory]
    [InlineData(8192, 256, 0.39, 0.44)]
    [InlineData(4096, 256, 0.50, 0.58)]
    public void A_disc_of_three_tenths_asks_for_little_more_than_its_positions_read(long side, long tile, double least, double most)
    {
        var graph = ResNet();
        var grid = GridPlan.ExactlyOnce(graph, [(side, side)], (tile, tile), beyondBorder: true);

        var demand = Demand.Of(grid, Disc(0.3, grid.Size(graph.Outputs[0])));

        var asked = grid.Asking(demand!);
        var share = Operations(asked) / Operations(grid);
        Assert.True(share >= least - 0.02 && share <= most, $"{share:0.000} of the operations");
    }

    [Fact]
    public void Where_all_matters_all_is_asked_for_and_where_nothing_does_nothing()
    {
        var graph = ResNet();
        var grid = GridPlan.ExactlyOnce(graph, [(900, 700)], (256, 128), beyondBorder: true);

        Assert.Null(Demand.Of(grid, (_, owned) => owned));

        var nothing = Demand.Of(grid, (_, _) => default)!;
        Assert.All(grid.Order(), tile => Assert.Null(nothing.Of(tile)));
        Assert.Equal(0, Operations(grid.Asking(nothing)));
    }

    /// <summary>Of an image whose largest values lie together, no more is gone through backwards than their surroundings.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Backwards_a_largest_value_asks_for_its_surroundings_alone(bool several)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        using var network = Sequential(
            Conv2d(1, 4, 3, padding: 1), ReLU(), Conv2d(4, 2, 3, padding: 1), several ? new TopKPooling(3) : new MaxPooling());
        network.to(ScalarType.Float64);
        var (forwards, backwards) = (0, 0);
        var progress = new Counted(told =>
        {
            if (told.Pass == TilePass.Forward)
                forwards = told.Total;
            else
                backwards = told.Total;
        });
        using var streaming = new StreamingModule(network, new() { Tile = (32, 32), Progress = progress });
        using var image = zeros(1, 1, 320, 256, dtype: ScalarType.Float64);
        image.narrow(2, 200, 8).narrow(3, 60, 8).copy_(randn(8, 8, dtype: ScalarType.Float64) * 9);
        image.requires_grad_();

        var streamed = Gradients(() => streaming.forward(image));
        var whole = Gradients(() => network.forward(image));

        Assert.All(streamed.Zip(whole), pair => Assert.True((pair.First - pair.Second).abs().max().item<double>() < 1e-12));
        Assert.Equal(80, forwards);
        Assert.InRange(backwards, 1, 9);

        Tensor[] Gradients(Func<Tensor> forward)
        {
            foreach (var leaf in network.parameters().Cast<Tensor>().Append(image))
                leaf.grad = null;
            forward().sum().backward();
            return [.. network.parameters().Cast<Tensor>().Append(image).Select(leaf => leaf.grad!.clone())];
        }
    }

    private sealed class Counted(Action<TileProgress> tell) : IProgress<TileProgress>
    {
        public void Report(TileProgress value) => tell(value);
    }

    private static NetworkGraph ResNet()
    {
        using var trunk = new ResNetTrunk(34);
        trunk.eval();
        return GraphBuilder.Trace(trunk, 3).Local;
    }

    /// <summary>Of a part of the output the smallest rectangle that holds what it has of a disc in the middle.</summary>
    private static WantedOutputs Disc(double share, (long Height, long Width) size)
    {
        var radius = Math.Sqrt(share * size.Height * size.Width / Math.PI);
        return (_, owned) =>
        {
            var hull = default(Region);
            for (var row = owned.Rows.Start; row < owned.Rows.End; row++)
            {
                var down = row + 0.5 - (size.Height / 2.0);
                var half = (radius * radius) - (down * down);
                if (half <= 0)
                    continue;
                var (first, last) = ((size.Width / 2.0) - Math.Sqrt(half), (size.Width / 2.0) + Math.Sqrt(half));
                var columns = new Interval((long)Math.Ceiling(first - 0.5), (long)Math.Floor(last - 0.5) + 1).Intersect(owned.Columns);
                hull = hull.Hull(new(new(row, row + 1), columns));
            }

            return hull;
        };
    }

    private static double Operations(GridPlan grid) => grid.Order().Sum(tile => grid.Graph.Layers
        .Where(node => !grid.Roles.IsView(node.Index))
        .Sum(node => node.Layer!.WorkPerPosition * grid.Computed(node.Index, tile.Row, tile.Column).Area));
}
