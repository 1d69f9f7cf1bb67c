using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>Compares a training step on tiles with one on the whole image.</summary>
internal static class WholeCheck
{
    /// <summary>Output, the image's gradient and all parameters' must be the whole image's to 1e-12.</summary>
    public static void EqualsWhole(Module<Tensor, Tensor> module, Tensor image, (int, int) tile)
    {
        using var streaming = new StreamingModule(module, new() { Tile = tile, Mode = StreamingMode.Overlap });
        EqualsWhole(streaming, image);
    }

    /// <summary>Output and the image's gradient must be the whole image's to 1e-12, and all parameters' to a bound.</summary>
    public static void EqualsWhole(StreamingModule streaming, Tensor image, double parameterBound = 1e-12)
    {
        using var scope = NewDisposeScope();
        var module = streaming.Trunk;
        module.zero_grad();
        var (ofWhole, ofTiles) = (image.detach().clone().requires_grad_(true), image.detach().clone().requires_grad_(true));
        // Not the leaf itself, which a module that works in place could not be given.
        var expected = module.forward(ofWhole.clone());
        var gradient = randn_like(expected);
        expected.backward([gradient]);
        var parameters = module.parameters().Where(p => p.requires_grad).ToArray();
        var gradients = parameters.Select(p => p.grad!.clone()).ToArray();
        module.zero_grad();

        var actual = streaming.forward(ofTiles.clone());
        actual.backward([gradient]);

        Assert.Equal(expected.shape, actual.shape);
        Assert.True(Compare.RelativeError(actual.detach(), expected.detach()) < 1e-12);
        Assert.True(Compare.RelativeError(ofTiles.grad!, ofWhole.grad!) < 1e-12);
        foreach (var (parameter, reference) in parameters.Zip(gradients))
            Assert.True(Compare.RelativeError(parameter.grad!, reference) < parameterBound);
    }
}
