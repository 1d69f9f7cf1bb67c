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
    [InlineData(32)]
    [InlineData(64)]
    public void ResNet18InTrainingMode(int tile)
    {
        manual_seed(5);
        var (name, error) = GlobalStep.Worst(
            () => Sequential(new ResNetTrunk(18), AdaptiveAvgPool2d(1), Flatten(), Linear(512, 3)).@double(),
            rand(2, 3, 97, 121, ScalarType.Float64),
            new() { Tile = (tile, tile) });
        Assert.True(error < 1e-11, $"{name}: {error}");
    }
}
