using StreamingCnn.Tests.Stages;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>Maps whose memory several layers refer to: none of them may find in it what another one has written.</summary>
public class SharedMapTests
{
    /// <summary>ReLU may overwrite what it reads, but not what another layer has read before it and needs backwards.</summary>
    [Theory]
    [InlineData("convolution", 100)]
    [InlineData("convolution", 7)]
    [InlineData("activation", 100)]
    [InlineData("activation", 7)]
    [InlineData("product", 100)]
    [InlineData("product", 7)]
    public void What_is_read_before_a_ReLU_stays_as_it_was(string reader, int tile)
    {
        manual_seed(2);
        using var scope = NewDisposeScope();

        var (name, error) = GlobalStep.Worst(
            () => new ReadBeforeReLU(reader).to(ScalarType.Float64),
            randn([2, 1, 20, 23], ScalarType.Float64),
            new() { Tile = (tile, tile) });

        Assert.True(error < 1e-12, $"{name}: {error}");
    }

    /// <summary>An output without a gradient leaves those of the others alone, whose memory the layers behind it share.</summary>
    [Theory]
    [InlineData(100)]
    [InlineData(7)]
    public void An_output_without_a_gradient_changes_none(int tile)
    {
        manual_seed(3);
        using var scope = NewDisposeScope();
        using var network = new ThreeOutputs().to(ScalarType.Float64);
        var image = randn([2, 2, 20, 23], ScalarType.Float64).requires_grad_();
        var expected = Gradients(network.forward);

        var actual = Gradients(new StreamingPyramid((MultiOutputBlock)network, new() { Tile = (tile, tile) }).forward);

        Assert.All(expected.Zip(actual), pair => Assert.True(Compare.RelativeError(pair.Second, pair.First) < 1e-12));

        Tensor[] Gradients(Func<Tensor, Tensor[]> forward)
        {
            var outputs = forward(image);
            manual_seed(4);
            Tensor[] given = [rand_like(outputs[1]), rand_like(outputs[2])];
            autograd.backward([outputs[1], outputs[2]], given);
            Tensor[] found = [image.grad!.clone(), .. network.parameters().Select(parameter => parameter.grad!.clone())];
            image.grad = null;
            network.zero_grad();
            return found;
        }
    }

    private sealed class ReadBeforeReLU : StreamingBlock
    {
        private readonly string reader;
        private readonly Conv2d first = Conv2d(1, 2, 3, padding: 1);
        private readonly Conv2d convolution = Conv2d(2, 2, 3, padding: 1);
        private readonly PReLU activation = PReLU(2);
        private readonly ReLU relu = ReLU();

        public ReadBeforeReLU(string reader)
            : base(nameof(ReadBeforeReLU))
        {
            this.reader = reader;
            RegisterComponents();
        }

        public override FeatureMap Trace(FeatureMap input)
        {
            var map = input.Through(first);
            var read = reader switch
            {
                "convolution" => map.Through(convolution),
                "activation" => map.Through(activation),
                _ => map * map,
            };
            return (read * read) + map.Through(relu);
        }
    }

    private sealed class ThreeOutputs : MultiOutputBlock
    {
        private readonly Conv2d convolution = Conv2d(2, 2, 3, padding: 1);

        public ThreeOutputs()
            : base(nameof(ThreeOutputs)) => RegisterComponents();

        public override IReadOnlyList<FeatureMap> Trace(FeatureMap input)
        {
            var map = input.Through(convolution);
            var product = map * map;
            var joined = FeatureMap.Concat(product, map);
            return [joined, product, product + map];
        }
    }
}
