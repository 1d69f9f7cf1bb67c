using StreamingCnn.Models;
using StreamingCnn.Tests.Stages;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Models;

/// <summary>Networks whose blocks look at whole maps: streamed they are what they are on the whole image.</summary>
public sealed class GlobalModelTests
{
    private const double Tolerance = 1e-11;

    [Theory]
    [InlineData("efficientnet-b0", NormKind.Batch, true)]
    [InlineData("efficientnet-b0", NormKind.Batch, false)]
    [InlineData("mobilenetv3-small", NormKind.Batch, true)]
    [InlineData("regnety-400mf", NormKind.Batch, true)]
    [InlineData("convnextv2-atto", NormKind.Frozen, true)]
    [InlineData("mobilenetv3-small", NormKind.Group, false)]
    [InlineData("regnety-400mf", NormKind.Instance, true)]
    [InlineData("resnet18", NormKind.Group, true)]
    [InlineData("resnet18-ws", NormKind.Frozen, true)]
    public void Streamed_is_whole(string name, NormKind norm, bool isTraining)
    {
        manual_seed(7);
        using var scope = NewDisposeScope();
        var (where, error) = GlobalStep.Worst(
            () => Prepared(new NetworkClassifier(ModelCatalog.Create(name, norm: norm), 3).@double(), isTraining),
            rand(1, 3, 67, 97, ScalarType.Float64),
            new() { Tile = (32, 64) });
        Assert.True(error < Tolerance, $"{where}: {error}");
    }

    private static Module<Tensor, Tensor> Prepared(NetworkClassifier network, bool isTraining)
    {
        network.train(isTraining);
        // Random layers draw otherwise on the whole image.
        foreach (var random in network.modules().Where(module => module is TorchSharp.Modules.Dropout or StochasticDepth))
            random.eval();
        using var unrecorded = no_grad();
        foreach (var (name, tensor) in network.state_dict())
        {
            // As they are at first, factors of 0 and statistics of 0 and 1 would hide what they do.
            if (tensor.dim() == 1)
                tensor.copy_(rand_like(tensor) + (name.EndsWith("bias", StringComparison.Ordinal) ? -0.5 : 0.5));
        }

        return network;
    }
}
