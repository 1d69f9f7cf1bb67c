using StreamingCnn.Models;
using StreamingCnn.Tests.Stages;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Models;

/// <summary>Networks for dense prediction: streamed they are what they are on the whole image, of any size.</summary>
public sealed class DenseNetworkTests
{
    private const double Tolerance = 1e-12;
    private const int Classes = 3;

    [Theory]
    [InlineData(NormKind.Frozen, false, 3, 37, 53, 16)]
    [InlineData(NormKind.Batch, false, 3, 33, 46, 20)]
    [InlineData(NormKind.Group, true, 3, 41, 31, 16)]
    [InlineData(NormKind.Instance, false, 3, 29, 50, 9)]
    [InlineData(NormKind.Frozen, true, 4, 35, 21, 9)]
    [InlineData(NormKind.Frozen, false, 5, 3, 1, 9)]
    public void A_U_Net_streamed_is_whole(NormKind norm, bool bilinear, int levels, long height, long width, int tile)
    {
        manual_seed(3);
        using var scope = NewDisposeScope();
        var (where, error) = GlobalStep.Worst(
            () => Prepared(new UNet(2, Classes, levels, 8, norm, bilinear), isTraining: norm is not NormKind.Frozen),
            rand(1, 2, height, width, ScalarType.Float64),
            new() { Tile = (tile, tile) });
        Assert.True(error < Tolerance, $"{where}: {error}");
    }

    [Theory]
    [InlineData("fpn-resnet18", NormKind.Frozen, 67, 97)]
    [InlineData("fpn-resnet18", NormKind.Group, 45, 70)]
    [InlineData("lraspp-mobilenetv3-small", NormKind.Frozen, 67, 97)]
    [InlineData("deeplabv3-mobilenetv3-large", NormKind.Frozen, 65, 99)]
    public void The_catalogues_networks_streamed_are_whole(string name, NormKind norm, long height, long width)
    {
        manual_seed(5);
        using var scope = NewDisposeScope();
        var (where, error) = GlobalStep.Worst(
            () => Prepared(ModelCatalog.CreateDense(name, Classes, norm: norm), isTraining: false),
            rand(1, 3, height, width, ScalarType.Float64),
            new() { Tile = (32, 64) });
        Assert.True(error < Tolerance, $"{where}: {error}");
    }

    [Fact]
    public void Scores_have_the_images_size_and_features_their_channels()
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using var image = rand(1, 1, 35, 50);
        foreach (var name in (string[])["unet-small", "fpn-mobilenetv3-large", "lraspp-mobilenetv3-small"])
        {
            var network = ModelCatalog.CreateDense(name, 4, inputChannels: 1);
            var trunk = ModelCatalog.Create(name, inputChannels: 1);
            network.eval();
            trunk.eval();
            Assert.Equal([1, 4, 35, 50], network.forward(image).shape);
            Assert.Equal(ModelCatalog.OutputChannels(trunk), trunk.forward(image).shape[1]);
            Assert.Equal(4, ModelCatalog.OutputChannels(network));
        }
    }

    // torchvision's published numbers, with 21 classes, less those of the auxiliary classifier, which the library does not have.
    [Theory]
    [InlineData(
        "deeplabv3-resnet50",
        42_004_074 - 2_365_205,
        "backbone.layer4.0.downsample.1.running_var 2048",
        "classifier.0.convs.4.1.weight 256x2048x1x1",
        "classifier.0.convs.3.1.bias 256",
        "classifier.0.project.0.weight 256x1280x1x1",
        "classifier.2.weight 256",
        "classifier.4.weight 21x256x1x1")]
    [InlineData(
        "fcn-resnet50",
        35_322_218 - 2_365_205,
        "backbone.conv1.weight 64x3x7x7",
        "classifier.0.weight 512x2048x3x3",
        "classifier.4.bias 21")]
    [InlineData("deeplabv3-mobilenetv3-large", 11_029_328 - 3_851, "backbone.0.0.weight 16x3x3x3", "classifier.4.bias 21")]
    [InlineData(
        "lraspp-mobilenetv3-large",
        3_221_538,
        "backbone.16.0.weight 960x160x1x1",
        "classifier.cbr.1.weight 128",
        "classifier.scale.1.weight 128x960x1x1",
        "classifier.low_classifier.weight 21x40x1x1",
        "classifier.high_classifier.bias 21")]
    [
        InlineData(
            "fpn-resnet18",
            null,
            "backbone.conv1.weight 64x3x7x7",
            "fpn.inner_blocks.3.0.weight 256x512x1x1",
            "fpn.layer_blocks.0.0.bias 256")
    ]
    public void Parameters_are_those_of_the_published_networks(string name, int? parameters, params string[] named)
    {
        using var network = ModelCatalog.CreateDense(name, 21);
        var names = network.state_dict().Select(entry => $"{entry.Key} {string.Join('x', entry.Value.shape)}").ToHashSet();
        Assert.All(named, entry => Assert.Contains(entry, names));
        if (parameters is { } expected)
            Assert.Equal(expected, network.parameters().Sum(parameter => parameter.numel()));
    }

    [Fact]
    public void A_dilated_trunk_is_the_strided_one_on_a_finer_grid()
    {
        manual_seed(1);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var strided = Prepared(new ResNetTrunk(50, 3, NormKind.Frozen), isTraining: false);
        var dilated = new ResNetTrunk(50, 3, NormKind.Frozen, outputStride: 8).@double();
        dilated.eval();
        dilated.load_state_dict(strided.state_dict());
        var image = rand(1, 3, 96, 64, ScalarType.Float64);

        var coarse = strided.forward(image);
        var fine = dilated.forward(image);

        Assert.Equal([1, 2048, 3, 2], coarse.shape);
        Assert.Equal([1, 2048, 12, 8], fine.shape);
        // With the same weights, since these sides are multiples of 32.
        var fourth = TensorIndex.Slice(0, null, 4);
        var difference = (coarse - fine.index(TensorIndex.Colon, TensorIndex.Colon, fourth, fourth)).abs().max();
        Assert.True(difference.item<double>() < 1e-12 * coarse.abs().max().item<double>());
    }

    [Fact]
    public void What_cannot_be_is_said()
    {
        Assert.Contains(
            "dense prediction",
            Assert.Throws<ArgumentException>(() => ModelCatalog.CreateDense("resnet18", 2)).Message,
            StringComparison.Ordinal);
        using var plain = ModelCatalog.Create("small");
        Assert.Contains(
            "several sizes", Assert.Throws<ArgumentException>(() => new FeaturePyramid(plain, 2)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ResNetTrunk(18, 3, NormKind.Frozen, outputStride: 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => new UNet(levels: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new UNet(width: 12, norm: NormKind.Group));
    }

    private static Module<Tensor, Tensor> Prepared(Module<Tensor, Tensor> network, bool isTraining)
    {
        network.@double();
        network.train(isTraining);
        using var unrecorded = no_grad();
        foreach (var (name, tensor) in network.state_dict())
        {
            // As they are at first, statistics of 0 and 1 would hide what they do.
            if (tensor.dim() == 1)
                tensor.copy_(rand_like(tensor) + (name.EndsWith("bias", StringComparison.Ordinal) ? -0.5 : 0.5));
        }

        return network;
    }
}
