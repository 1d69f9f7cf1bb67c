using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>Networks that people have, whose layers look at whole maps: streamed they are what they are on the whole image.</summary>
public sealed class GlobalNetworkTests
{
    private const double Tolerance = 1e-12;

    [Theory]
    [InlineData(1, 24)]
    [InlineData(2, 40)]
    [InlineData(1, 500)]
    public void BatchNormInTrainingMode(int batch, int tile)
    {
        manual_seed(3);
        var (name, error) = GlobalStep.Worst(
            () => Sequential(
                Conv2d(3, 5, 3, padding: 1, bias: false), BatchNorm2d(5), ReLU(),
                Conv2d(5, 4, 3, stride: 2, bias: false), BatchNorm2d(4), ReLU(inplace: true)).@double(),
            rand(batch, 3, 47, 61, ScalarType.Float64),
            new() { Tile = (tile, tile) });
        Assert.True(error < Tolerance, $"{name}: {error}");
    }

    [Theory]
    [InlineData(NormKind.Batch, true)]
    [InlineData(NormKind.Batch, false)]
    [InlineData(NormKind.Instance, true)]
    public void ResNet34WithGatedAttentionAndAClassifier(NormKind norm, bool isTraining)
    {
        manual_seed(33);
        var (name, error) = GlobalStep.Worst(
            () =>
            {
                var network = Sequential(NarrowResNet.Of34Layers(norm), new GatedAttentionPooling(64, 8), Linear(64, 3)).@double();
                network.train(isTraining);
                return network;
            },
            rand(2, 3, 99, 131, ScalarType.Float64),
            new() { Tile = (40, 64) },
            output => functional.cross_entropy(output, tensor(new long[] { 1, 2 })));
        Assert.True(error < Tolerance, $"{name}: {error}");
    }

    [Fact]
    public void ResNet18InTrainingMode()
    {
        manual_seed(5);
        var (name, error) = GlobalStep.Worst(
            () => Sequential(new ResNetTrunk(18), AdaptiveAvgPool2d(1), Flatten(), Linear(512, 3)).@double(),
            rand(2, 3, 97, 121, ScalarType.Float64),
            new() { Tile = (64, 64) });
        Assert.True(error < 1e-11, $"{name}: {error}");
    }
}
