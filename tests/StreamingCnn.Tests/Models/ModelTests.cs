using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Models;

public class ModelTests
{
    // Torchvision's published counts, less the 1000-class head.
    [Theory]
    [InlineData(18, 11_689_512 - 513_000)]
    [InlineData(34, 21_797_672 - 513_000)]
    [InlineData(50, 25_557_032 - 2_049_000)]
    [InlineData(101, 44_549_160 - 2_049_000)]
    [InlineData(152, 60_192_808 - 2_049_000)]
    public void Residual_networks_have_torchvisions_parameters(int depth, long count)
    {
        using var trunk = new ResNetTrunk(depth);
        Assert.Equal(count, trunk.parameters().Sum(p => p.numel()));
    }

    [Fact]
    public void Parameters_have_torchvisions_names()
    {
        using var trunk = new ResNetTrunk(50);
        var names = trunk.state_dict().Keys.ToHashSet();
        Assert.Superset(
            new HashSet<string>
            {
                "conv1.weight", "bn1.weight", "bn1.running_mean", "bn1.num_batches_tracked", "layer1.0.conv1.weight", "layer1.0.bn3.bias",
                "layer1.0.downsample.0.weight", "layer1.0.downsample.1.running_var", "layer3.5.conv3.weight", "layer4.2.bn2.weight",
            },
            names);
        Assert.Equal(318, names.Count);
    }

    [Fact]
    public void An_unknown_depth_is_refused()
    {
        var failure = Assert.Throws<ArgumentOutOfRangeException>(() => new ResNetTrunk(20));
        Assert.StartsWith(
            "There is no residual network of that depth; choose 18, 34, 50, 101 or 152.", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("resnet18", 97, 131, 33, 45)]
    [InlineData("resnet50", 65, 70, 40, 32)]
    [InlineData("comparison", 90, 101, 32, 32)]
    [InlineData("imagenette", 61, 67, 32, 16)]
    [InlineData("pathology-4096", 129, 150, 64, 50)]
    [InlineData("small", 93, 101, 20, 30)]
    [InlineData("sparse", 93, 101, 20, 30)]
    public void Every_model_streams_as_it_runs(string name, int height, int width, int tileHeight, int tileWidth)
    {
        manual_seed(11);
        using var scope = NewDisposeScope();
        using var trunk = ModelCatalog.Create(name).to(ScalarType.Float64);
        trunk.eval();
        using (no_grad())
        {
            foreach (var norm in trunk.modules().OfType<BatchNorm2d>())
            {
                norm.running_mean!.copy_(randn_like(norm.running_mean) * 0.1);
                norm.running_var!.copy_(rand_like(norm.running_var) + 0.5);
            }
        }

        var image = randn(1, 3, height, width, dtype: ScalarType.Float64);
        var expected = trunk.forward(image);
        var gradient = randn_like(expected);
        expected.backward([gradient]);
        var gradients = trunk.parameters().Select(p => p.grad!.clone()).ToArray();
        trunk.zero_grad();

        using var streaming = new StreamingModule(trunk, new() { Tile = (tileHeight, tileWidth) });
        var actual = streaming.forward(image);
        actual.backward([gradient]);

        Assert.Equal(ModelCatalog.OutputChannels(trunk), actual.shape[1]);
        Assert.True(Compare.RelativeError(actual.detach(), expected.detach()) < 1e-12);
        foreach (var (parameter, reference) in trunk.parameters().Zip(gradients))
            Assert.True(Compare.RelativeError(parameter.grad!, reference) < 1e-11);
    }

    [Fact]
    public void An_unknown_model_is_answered_with_the_known_ones()
    {
        string[] added =
        [
            "convnextv2-atto", "convnextv2-femto", "convnextv2-nano", "convnextv2-pico", "convnextv2-tiny", "efficientnet-b0",
            "efficientnet-b1", "efficientnet-b2", "efficientnet-b3", "mobilenetv3-large", "mobilenetv3-small", "regnety-1.6gf",
            "regnety-3.2gf", "regnety-400mf", "regnety-800mf", "resnet18-ws", "resnet34-ws", "resnet50-ws",
        ];
        Assert.Subset(ModelCatalog.Names.ToHashSet(), added.ToHashSet());
        var failure = Assert.Throws<ArgumentException>(() => ModelCatalog.Create("resnet35"));
        Assert.StartsWith(
            "There is no model 'resnet35'; choose one of comparison, convnext-small, convnext-tiny, convnextv2-atto, convnextv2-femto",
            failure.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_norm_is_for_models_that_leave_the_choice()
    {
        Assert.Contains("resnet50", ModelCatalog.NamesWithNorms);
        foreach (var name in new[] { "small", "convnext-tiny", "resnet34-plain", "resnet18-ws" })
        {
            var failure = Assert.Throws<ArgumentException>(() => ModelCatalog.Create(name, norm: NormKind.Group));
            Assert.StartsWith(
                $"The norm of the model '{name}' cannot be chosen; leave it out, or choose one of deeplabv3-mobilenetv3-large,",
                failure.Message,
                StringComparison.Ordinal);
        }
    }
}
