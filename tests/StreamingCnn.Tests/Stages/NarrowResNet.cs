using StreamingCnn.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>A residual network of the published depth, an eighth as wide.</summary>
internal static class NarrowResNet
{
    private const long Narrowest = 8;

    /// <summary>ResNet-34, from the image to 64 channels.</summary>
    public static Sequential Of34Layers(NormKind norm)
    {
        var norms = new ResidualNorms(new NetworkNorm(norm, channels => channels / 4), Standardised: false);
        var (convolution, behind) = norms.Behind(3, Narrowest, 7, 2);
        List<Module<Tensor, Tensor>> layers = [convolution, behind, ReLU(), MaxPool2d(3, 2, 1)];
        var channels = Narrowest;
        foreach (var (stage, count) in new[] { 3, 4, 6, 3 }.Index())
        {
            for (var i = 0; i < count; i++)
            {
                var block = new ResidualBlock(channels, Narrowest << stage, stage > 0 && i == 0 ? 2 : 1, bottleneck: false, norms);
                channels = block.OutputChannels;
                layers.Add(block);
            }
        }

        return Sequential(layers);
    }
}
