using StreamingCnn.Graph;
using StreamingCnn.Graph.Layers;
using StreamingCnn.Models;
using StreamingCnn.Planning;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Graph;

/// <summary>
/// Norms with running statistics, folded into the convolutions before them: the same outputs and gradients, whatever learns and whatever
/// the norm's factors are.
/// </summary>
public class NormFoldingTests
{
    private const double Tolerance = 1e-12;

    public static TheoryData<string> Settings =>
        [
            "plain",
            "bias",
            "groups",
            "no affine",
            "factors of 0",
            "means far from 0",
            "frozen weights",
            "frozen norm",
            "frozen factors",
            "frozen but for the norm's bias",
            "frozen"
        ];

    [Theory]
    [MemberData(nameof(Settings))]
    public void Outputs_and_gradients_are_those_of_two_layers(string setting)
    {
        using var scope = NewDisposeScope();
        using var trunk = Trunk(setting);
        Assert.Equal(2, Folded(trunk).Nodes.Count(node => node.Layer is ConvolutionLayer));
        Assert.DoesNotContain(Folded(trunk).Nodes, node => node.Layer is BatchNormLayer);
        var image = randn(2, 3, 41, 53, dtype: ScalarType.Float64).requires_grad_(true);
        var expected = trunk.forward(image);
        var gradient = randn(expected.shape, dtype: ScalarType.Float64);
        expected.backward([gradient]);
        var (imageGradient, gradients) = Gradients(trunk, image);

        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 24) });
        var actual = streaming.forward(image);
        actual.backward([gradient]);

        Assert.InRange(Compare.RelativeError(actual.detach(), expected.detach()), 0, Tolerance);
        Assert.InRange(Compare.RelativeError(image.grad!, imageGradient), 0, Tolerance);
        foreach (var (name, parameter) in trunk.named_parameters())
        {
            Assert.Equal(gradients.ContainsKey(name), parameter.grad is not null);
            if (gradients.TryGetValue(name, out var wanted))
                Assert.True(Compare.RelativeError(parameter.grad!, wanted) < Tolerance, $"Gradient of {name}, {setting}");
        }
    }

    [Fact]
    public void A_convolution_that_others_read_stays()
    {
        using var trunk = new Forked();
        trunk.eval();

        Assert.Single(Folded(trunk).Nodes, node => node.Layer is BatchNormLayer);
    }

    [Fact]
    public void So_does_one_whose_border_is_mirrored()
    {
        using var trunk = Sequential(Conv2d(3, 4, 3, padding: 1, padding_mode: PaddingModes.Reflect), BatchNorm2d(4));
        trunk.eval();

        Assert.Single(Folded(trunk).Nodes, node => node.Layer is BatchNormLayer);
    }

    [Fact]
    public void A_norm_that_changes_before_the_backward_pass_is_noticed()
    {
        using var trunk = Trunk("plain");
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 24) });
        var output = streaming.forward(randn(1, 3, 41, 53, dtype: ScalarType.Float64));

        using (no_grad())
            ((BatchNorm2d)trunk.children().ElementAt(1)).running_mean!.add_(1);

        var failure = Assert.ThrowsAny<Exception>(() => output.sum().backward());
        Assert.Contains("changed between the forward and the backward pass", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tile_holds_much_less_than_with_the_maps_between_them()
    {
        using var trunk = new ResNetTrunk(18);
        trunk.eval();
        var graph = GraphBuilder.Trace(trunk, 3).Local;

        Assert.InRange(Bytes(NormFolding.Of(graph)) / (double)Bytes(graph), 0.4, 0.75);

        static long Bytes(NetworkGraph graph)
        {
            var cost = new TrunkCost(graph, wanted: [false], batch: 1, elementSize: sizeof(float), new ComputeRates());
            var model = new StepModel(GridPlan.ExactlyOnce(graph, [(4096, 4096)], (1024, 1024), beyondBorder: false), cost);
            return model.TileBytes(model.Keep(0));
        }
    }

    private static NetworkGraph Folded(Module<Tensor, Tensor> trunk) => NormFolding.Of(GraphBuilder.Trace(trunk, 3).Local);

    private static Sequential Trunk(string setting)
    {
        manual_seed(5);
        var affine = setting != "no affine";
        var groups = setting == "groups" ? 3 : 1;
        var trunk = Sequential(
            Conv2d(3, 6, 3, stride: 2, padding: 1, groups: groups, bias: setting == "bias"),
            BatchNorm2d(6, affine: affine),
            ReLU(),
            Conv2d(6, 9, (5, 3), padding: (2, 1), groups: groups, bias: setting == "bias"),
            BatchNorm2d(9, affine: affine));
        trunk.to(ScalarType.Float64);
        using (no_grad())
        {
            foreach (var norm in trunk.children().OfType<BatchNorm2d>())
            {
                norm.running_mean!.normal_(setting == "means far from 0" ? 30 : 0, 1);
                norm.running_var!.uniform_(0.2, 3);
                norm.weight?.normal_(0, 1);
                norm.bias?.normal_(0, 1);
                if (setting == "factors of 0")
                    norm.weight!.narrow(0, 1, 4).zero_();
            }
        }

        foreach (var (name, parameter) in trunk.named_parameters())
        {
            var ofNorm = name.StartsWith('1') || name.StartsWith('4');
            parameter.requires_grad = setting switch
            {
                "frozen" => false,
                "frozen weights" => ofNorm,
                "frozen norm" => !ofNorm,
                "frozen factors" => !ofNorm || name.EndsWith("bias", StringComparison.Ordinal),
                "frozen but for the norm's bias" => ofNorm && name.EndsWith("bias", StringComparison.Ordinal),
                _ => true,
            };
        }

        trunk.eval();
        return trunk;
    }

    /// <summary>Takes the gradients away, so that the next ones are not added to them.</summary>
    private static (Tensor Image, Dictionary<string, Tensor> Parameters) Gradients(Module<Tensor, Tensor> trunk, Tensor image)
    {
        var gradients = trunk.named_parameters().Where(p => p.parameter.grad is not null).ToDictionary(
            p => p.name, p => p.parameter.grad!.clone());
        var own = image.grad!.clone();
        trunk.zero_grad();
        image.grad = null;
        return (own, gradients);
    }

    private sealed class Forked : StreamingBlock
    {
        private readonly Conv2d convolution = Conv2d(3, 4, 3, padding: 1);
        private readonly BatchNorm2d norm = BatchNorm2d(4);

        public Forked()
            : base(nameof(Forked)) => RegisterComponents();

        public override FeatureMap Trace(FeatureMap input)
        {
            var map = input.Through(convolution);
            return map + map.Through(norm);
        }
    }
}
