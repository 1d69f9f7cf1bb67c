using StreamingCnn.Imaging;
using StreamingCnn.Training.Heads;
using StreamingCnn.Training.Saliency;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Training.Tests.Heads;

/// <summary>Trunks that are left as they are, that overlap, and that the engine cannot see into.</summary>
public class FormsOfTrunksTests
{
    [Fact]
    public void A_trunk_that_is_left_as_it_is_is_run_once()
    {
        using var scope = NewDisposeScope();
        var passes = new Passes();
        using var model = new StreamingClassifier(Trunk(), 2, new() { Tile = (16, 16), Progress = passes });
        foreach (var parameter in model.Features.parameters())
            parameter.requires_grad_(false);
        using var image = rand(1, 3, 50, 61);

        model.forward(image).square().sum().backward();

        Assert.Equal([TilePass.Forward], passes.Seen);
        Assert.All(model.Head.parameters(), parameter => Assert.NotNull(parameter.grad));
        Assert.All(model.Features.parameters(), parameter => Assert.True(parameter.grad is null));
    }

    [Theory]
    [InlineData(HeadPooling.Average, false)]
    [InlineData(HeadPooling.Attention, false)]
    [InlineData(HeadPooling.Average, true)]
    [InlineData(HeadPooling.Attention, true)]
    public void Overlapping_tiles_give_the_same_whether_the_engine_sees_into_the_trunk_or_not(HeadPooling pooling, bool isOpaque)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var options = new StreamingOptions { Tile = (24, 24), Mode = StreamingMode.Overlap };
        Module<Tensor, Tensor> trunk = isOpaque ? new Opaque(Trunk()) : Trunk();
        using var model = new StreamingClassifier(trunk, 2, options, pooling, channels: 5);
        model.to(ScalarType.Float64);
        model.eval();
        var image = rand([1, 3, 50, 61], ScalarType.Float64);

        var whole = model.Head.forward(trunk.forward(image));
        whole[0, 1].backward();
        var expected = model.named_parameters().ToDictionary(named => named.name, named => named.parameter.grad!.clone());
        model.zero_grad();
        var scores = model.forward(new TensorImageSource(image.alias()));
        scores[0, 1].backward();

        Assert.True((scores - whole).abs().max().item<double>() < 1e-12);
        Assert.All(model.named_parameters(), named => Assert.True(
            (named.parameter.grad! - expected[named.name]).abs().max().item<double>() < 1e-12, named.name));
        using var streamed = new StreamingClassifier(trunk, 2, options with { Mode = StreamingMode.ExactlyOnce }, pooling, channels: 5);
        streamed.Head.to(ScalarType.Float64).load_state_dict(model.Head.state_dict());
        if (isOpaque)
        {
            Assert.Contains(
                "(Opaque) is not known to the engine", Assert.Throws<UnsupportedLayerException>(() => streamed.forward(image)).Message);
            Assert.Contains("cannot see into Opaque", Assert.Throws<NotSupportedException>(() => model.Plan(50, 61)).Message);
        }

        var method = new SaliencyOptions { Method = SaliencyMethod.ClassActivation, Target = 1, Blur = 0, Percentile = 100 };
        using var map = SaliencyMap.Compute(model, new TensorImageSource(image.alias()), method);
        var features = trunk.forward(image).detach().requires_grad_(true);
        model.Head.forward(features)[0, 1].backward();
        var weights = pooling == HeadPooling.Attention
            ? features.grad!.mean([2, 3], keepdim: true)
            : model.Head.Classifier.weight[1].reshape(1, -1, 1, 1);
        Assert.True((map.ReadRaw(0, 0, 50, 61) - (features * weights).sum(1, keepdim: true)).abs().max().item<double>() < 1e-5);
    }

    private static Sequential Trunk() =>
        Sequential(("conv1", Conv2d(3, 4, 3, padding: 1)), ("act", ReLU()), ("conv2", Conv2d(4, 5, 3, padding: 1)));

    private sealed class Opaque : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> inner;

        public Opaque(Module<Tensor, Tensor> inner)
            : base(nameof(Opaque))
        {
            this.inner = inner;
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => inner.call(input);
    }

    private sealed class Passes : IProgress<TileProgress>
    {
        public HashSet<TilePass> Seen { get; } = [];

        public void Report(TileProgress value) => Seen.Add(value.Pass);
    }
}
