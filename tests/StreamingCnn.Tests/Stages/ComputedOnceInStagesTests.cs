using StreamingCnn.Graph;
using StreamingCnn.Reductions;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>With stages, too, every value is computed once forwards, and at most once more backwards.</summary>
public sealed class ComputedOnceInStagesTests
{
    private static readonly (long Height, long Width)[] Sizes = [(45, 61), (45, 61), (23, 31), (45, 61)];

    [Theory]
    [InlineData(1, 7)]
    [InlineData(9, 11)]
    [InlineData(16, 128)]
    [InlineData(500, 500)]
    public void Each_value_is_computed_once_forwards_and_at_most_once_more_backwards(int tileHeight, int tileWidth)
    {
        LayerRegistry.Register<Counting>(layer => new WindowLayer(layer, layer.Count) { Kernel = (3, 3), Padding = (1, 1) });
        using var scope = NewDisposeScope();
        Counting[] counting = [new(), new(), new(), new()];
        Module<Tensor, Tensor>[] norms = [BatchNorm2d(2), BatchNorm2d(2), BatchNorm2d(2)];
        using var network = new Described(Trace, [.. counting, .. norms]);
        using var streaming = new StreamingModule(network, new() { Tile = (tileHeight, tileWidth) });
        using var image = randn(1, 2, 45, 61);
        // A taught layer is tried before its first use.
        using (no_grad())
            streaming.forward(image);
        foreach (var layer in counting)
            layer.Computed = 0;

        var output = streaming.forward(image);

        Assert.Equal(Sizes.Select(size => size.Height * size.Width), counting.Select(layer => layer.Computed));

        output.sum().backward();

        Assert.All(counting.Zip(Sizes), each => Assert.InRange(
            each.First.Computed, each.Second.Height * each.Second.Width, 2 * each.Second.Height * each.Second.Width));

        // A residual connection and a skip across stages, and a gate.
        FeatureMap Trace(FeatureMap input)
        {
            var first = input.Through(counting[0]);
            var second = first + first.Through(norms[0]).Through(ReLU()).Through(counting[1]);
            var deep = second.Through(norms[1]).Through(MaxPool2d(2, 2, ceil_mode: true)).Through(counting[2]).Through(norms[2]);
            var joined = second + deep.Through(Upsample(size: [45, 61]));
            return joined.Gate(deep.Pooled(AdaptiveAvgPool2d(1))).Through(counting[3]);
        }
    }

    [Fact]
    public void A_reduction_gets_each_position_once_though_tiles_are_computed_again()
    {
        using var scope = NewDisposeScope();
        var (layer, reduction) = (Conv2d(2, 4, 3, padding: 1), new CountedSum());
        using var network = new Summed(layer, reduction);
        using var streaming = new StreamingModule(network, new() { Tile = (7, 9) });
        using var image = randn(1, 2, 45, 61);

        streaming.forward(image).sum().backward();

        Assert.Equal(45 * 61, reduction.Positions);
        var expected = layer.weight.grad!.clone();
        layer.zero_grad();
        layer.forward(image).tanh().sum().backward();
        Assert.True((layer.weight.grad! - expected).abs().max().item<float>() < 1e-4 * expected.abs().max().item<float>());
    }

    private sealed class Summed(Conv2d layer, MapReduction reduction) : StreamingHead(nameof(Summed))
    {
        public override GlobalTensor Trace(FeatureMap input) => input.Through(layer).Through(Tanh()).Reduce(reduction)[0];
    }

    /// <summary>A sum that counts the positions it is given.</summary>
    private sealed class CountedSum : MapReduction
    {
        private readonly SumReduction sum = new();

        public long Positions { get; set; }

        public override int Operands => sum.Operands;

        public override int Results => sum.Results;

        public override void Check(IReadOnlyList<long> channels) => sum.Check(channels);

        public override ReductionRun Start(ReductionShape shape) => new Run(this, sum.Start(shape));

        public override IReadOnlyList<Tensor> Whole(IReadOnlyList<Tensor> maps) => sum.Whole(maps);

        private sealed class Run(CountedSum counted, ReductionRun sum) : ReductionRun
        {
            public override IEnumerable<Tensor> Held => sum.Held;

            public override void Add(IReadOnlyList<Tensor> rectangles, long top, long left)
            {
                counted.Positions += rectangles[0].shape[2] * rectangles[0].shape[3];
                sum.Add(rectangles, top, left);
            }

            public override IReadOnlyList<Tensor> Finish() => sum.Finish();

            public override IReadOnlyList<Tensor?> Gradient(
                IReadOnlyList<Tensor> rectangles, long top, long left, IReadOnlyList<Tensor?> gradients, IReadOnlyList<bool> wanted) =>
                sum.Gradient(rectangles, top, left, gradients, wanted);

            public override void Dispose() => sum.Dispose();
        }
    }

    /// <summary>A 3x3 average that counts the values it computes.</summary>
    private sealed class Counting() : Module<Tensor, Tensor>(nameof(Counting))
    {
        public long Computed { get; set; }

        public override Tensor forward(Tensor input) => functional.avg_pool2d(input, 3, 1, 1);

        public Tensor Count(Tensor window)
        {
            var output = functional.avg_pool2d(window, 3, 1);
            Computed += output.shape[2] * output.shape[3];
            return output;
        }
    }
}
