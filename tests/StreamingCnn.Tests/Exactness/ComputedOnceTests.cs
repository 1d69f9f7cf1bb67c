using StreamingCnn.Graph;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>Every value of every feature map is computed exactly once per pass, at any tile size.</summary>
public class ComputedOnceTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(9, 11)]
    [InlineData(37, 53)]
    [InlineData(16, 128)]
    [InlineData(500, 500)]
    public void Each_value_is_computed_once_forwards_and_at_most_once_more_backwards(int tileHeight, int tileWidth)
    {
        LayerRegistry.Register<Counting>(
            layer => new WindowLayer(layer, layer.CountWindow) { Kernel = (3, 3), Stride = (2, 2), Padding = (1, 1) });
        using var first = new Counting();
        using var second = new Counting();
        using var trunk = Sequential(
            Conv2d(2, 2, 5, padding: 2), first, ReLU(), Conv2d(2, 2, 3, padding: 1), second, Conv2d(2, 1, 7, padding: 3));
        using var streaming = new StreamingModule(trunk, new() { Tile = (tileHeight, tileWidth) });
        using var image = randn(1, 2, 45, 61);
        // A taught layer is tried before its first use.
        streaming.Plan(45, 61);
        first.Computed = second.Computed = 0;

        using var output = streaming.forward(image);

        Assert.Equal(23 * 31, first.Computed);
        Assert.Equal(12 * 16, second.Computed);

        output.sum().backward();

        // Tiles that kept what they computed do not compute it again; with one tile none does.
        var isOneTile = tileHeight >= 45 && tileWidth >= 61;
        Assert.InRange(first.Computed, 23 * 31, (isOneTile ? 1 : 2) * 23 * 31);
        Assert.InRange(second.Computed, 12 * 16, (isOneTile ? 1 : 2) * 12 * 16);
        Assert.Equal(1, streaming.Plan(45, 61).ComputedOnceRatio);
    }

    [Fact]
    public void Overlapping_tiles_say_how_much_they_repeat()
    {
        using var trunk = Sequential(Conv2d(3, 2, 5, padding: 2), Conv2d(2, 2, 5, padding: 2));
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16), Mode = StreamingMode.Overlap });

        // Along an axis of 64 px, tiles that own 16 outputs compute 2 more of the first map on either inner side.
        Assert.Equal(((76.0 * 76) + (64 * 64)) / (2 * 64 * 64), streaming.Plan(64, 64).ComputedOnceRatio, 6);
    }

    /// <summary>A strided 3x3 average that counts the values it computes.</summary>
    private sealed class Counting() : Module<Tensor, Tensor>(nameof(Counting))
    {
        public long Computed { get; set; }

        public override Tensor forward(Tensor input) => functional.avg_pool2d(input, 3, 2, 1);

        public Tensor CountWindow(Tensor window)
        {
            var output = functional.avg_pool2d(window, 3, 2);
            Computed += output.shape[2] * output.shape[3];
            return output;
        }
    }
}
