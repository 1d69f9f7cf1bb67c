using StreamingCnn.Graph;
using StreamingCnn.Planning;
using StreamingCnn.Planning.Programs;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Planning;

/// <summary>What the library makes for convolutions is counted by their shapes.</summary>
public sealed class PrimitivesTests
{
    private const long Shape = (92 + 128 + 56) << 10;

    [Fact]
    public void The_whole_in_one_has_one_shape_of_each_convolution() => Assert.Equal(2 * Shape, Bytes(Two(), 96, 96));

    /// <summary>First, middle and last tile along an axis differ; the image's windows have too few values then.</summary>
    [Fact]
    public void Tiles_have_a_shape_for_each_length_along_each_axis()
    {
        Assert.Equal(3 * Shape, Bytes(Two(), 96, 32));
        Assert.Equal(9 * Shape, Bytes(Two(), 32, 32));
    }

    /// <summary>libtorch computes small ones itself, and those of wider types.</summary>
    [Fact]
    public void Others_are_not_the_library_s()
    {
        Assert.Equal(0, Bytes(Two(), 16, 16, size: 16));
        Assert.Equal(2 * Shape, Bytes(Two(), 16, 16, size: 16, batch: 2));
        Assert.Equal(0, Bytes(Two(), 96, 96, elementSize: sizeof(double)));
        Assert.Equal(0, Bytes(Sequential(ReLU(), MaxPool2d(2)), 96, 96));
        // A large kernel is large along both axes.
        Assert.Equal(0, Bytes(Conv2d(3, 32, (5, 3), padding: (2, 1)), 16, 16, size: 16));
        Assert.Equal(0, Bytes(Conv2d(3, 32, (3, 5), padding: (1, 2)), 16, 16, size: 16));
        Assert.Equal(Shape, Bytes(Conv2d(3, 32, (5, 4), padding: (2, 2)), 16, 16, size: 16));
    }

    [Fact]
    public void The_library_keeps_no_more_than_the_last_ones()
    {
        var many = Enumerable.Range(0, 400).Select(_ => (Module<Tensor, Tensor>)Conv2d(3, 3, 5, padding: 2));
        Assert.Equal(341 * Shape, Bytes(Sequential([.. many]), 96, 96));
    }

    private static Module<Tensor, Tensor> Two() =>
        Sequential(Conv2d(3, 32, 3, padding: 1), ReLU(), Conv2d(32, 32, 3, padding: 1));

    private static long Bytes(
        Module<Tensor, Tensor> network, int height, int width, int size = 96, int batch = 1, int elementSize = sizeof(float))
    {
        var graph = GraphBuilder.Trace(network, 3).Local;
        var trunk = new TrunkCost(graph, wanted: [false], batch, elementSize, new ComputeRates());
        var grid = GridPlan.ExactlyOnce(graph, [(size, size)], (height, width), beyondBorder: false);
        return Primitives.Bytes(new TilePrograms(grid, trunk.Differentiable), trunk);
    }
}
