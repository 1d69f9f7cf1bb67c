using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using StreamingCnn.Tests.Stages;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Pooling;

/// <summary>Gates and norms that look at the whole map are what was published, under the published names, and the same streamed.</summary>
public sealed class GateTests
{
    private const double Tolerance = 1e-12;

    private static readonly Dictionary<string, Func<StreamingBlock>> Blocks = new()
    {
        ["squeeze"] = () => new SqueezeExcite(6, 2),
        ["squeeze, timm"] = () => new SqueezeExcite(6, 3, SiLU(), Hardsigmoid(), SqueezeExciteNames.Timm),
        ["channels"] = () => new EfficientChannelAttention(6),
        ["norm"] = () => new GlobalResponseNorm(6),
    };

    [Theory]
    [InlineData("squeeze", 1, 6)]
    [InlineData("squeeze, timm", 2, 9)]
    [InlineData("channels", 2, 7)]
    [InlineData("norm", 1, 5)]
    [InlineData("norm", 2, 50)]
    public void A_gate_is_the_same_streamed(string block, int batch, int tile)
    {
        manual_seed(4);
        var (name, error) = GlobalStep.Worst(
            () => Learned(Sequential(
                Conv2d(3, 6, 3, padding: 1), Blocks[block](), Conv2d(6, 6, 3, stride: 2), Blocks[block](), Conv2d(6, 2, 1))),
            rand(batch, 3, 23, 17, ScalarType.Float64),
            new() { Tile = (tile, tile) });
        Assert.True(error < Tolerance, $"{name}: {error}");
    }

    [Fact]
    public void Squeeze_and_excitation_is_as_published()
    {
        using var scope = NewDisposeScope();
        using var block = new SqueezeExcite(6, 2);
        using var timm = new SqueezeExcite(6, 2, SiLU(), Hardsigmoid(), SqueezeExciteNames.Timm);
        var (x, w) = (rand(2, 6, 5, 7), block.state_dict());

        var hidden = functional.relu(functional.conv2d(x.mean([2, 3], keepdim: true), w["fc1.weight"], w["fc1.bias"]));
        var expected = x * functional.conv2d(hidden, w["fc2.weight"], w["fc2.bias"]).sigmoid();

        Assert.Equal(["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"], w.Keys);
        Assert.Equal([2L, 6L, 1L, 1L], w["fc1.weight"].shape);
        Assert.Equal(["conv_reduce.weight", "conv_reduce.bias", "conv_expand.weight", "conv_expand.bias"], timm.state_dict().Keys);
        Assert.True(Compare.RelativeError(block.forward(x), expected) < 1e-6);
    }

    [Theory]
    [InlineData(6, 3)]
    [InlineData(64, 3)]
    [InlineData(128, 5)]
    [InlineData(256, 5)]
    [InlineData(512, 5)]
    [InlineData(2048, 7)]
    public void Efficient_channel_attention_is_as_published(int channels, int length)
    {
        using var scope = NewDisposeScope();
        using var block = new EfficientChannelAttention(channels);
        var (x, weight) = (rand(2, channels, 3, 4), block.state_dict()["conv.weight"]);

        var means = functional.conv1d(x.mean([2, 3]).unsqueeze(1), weight, padding: length / 2).squeeze(1);

        Assert.Equal([1L, 1L, length], weight.shape);
        Assert.True(Compare.RelativeError(block.forward(x), x * means.sigmoid().unsqueeze(2).unsqueeze(3)) < 1e-6);
    }

    [Fact]
    public void Global_response_norm_is_as_published()
    {
        using var scope = NewDisposeScope();
        using var block = new GlobalResponseNorm(4);
        var x = rand(2, 4, 5, 6);
        Assert.Equal(0, (block.forward(x) - x).abs().max().item<float>());

        var (gamma, beta) = (block.state_dict()["weight"], block.state_dict()["bias"]);
        using (no_grad())
        {
            gamma.copy_(rand(4));
            beta.copy_(rand(4));
        }

        var norms = x.square().sum([2, 3], keepdim: true).sqrt();
        var expected = x + (gamma.reshape(-1, 1, 1) * x * norms / (norms.mean([1], keepdim: true) + 1e-6)) + beta.reshape(-1, 1, 1);
        Assert.Equal(["weight", "bias"], block.state_dict().Keys);
        Assert.True(Compare.RelativeError(block.forward(x), expected) < 1e-6);
    }

    [Fact]
    public void An_empty_channel_has_a_gradient_in_global_response_norm()
    {
        using var scope = NewDisposeScope();
        using var block = (GlobalResponseNorm)Learned(new GlobalResponseNorm(3));
        using var streaming = new StreamingModule(block, new() { Tile = (4, 4) });
        var x = rand(1, 3, 6, 7, ScalarType.Float64);
        x.narrow(1, 1, 1).zero_();
        x.requires_grad_();

        streaming.forward(x).square().sum().backward();

        Assert.True(x.grad!.isfinite().all().item<bool>());
    }

    [Fact]
    public void A_kernel_without_a_middle_is_refused() =>
        Assert.StartsWith(
            "The kernel along the channels has a middle: give an odd length.",
            Assert.Throws<ArgumentOutOfRangeException>(() => new EfficientChannelAttention(8, 4)).Message);

    /// <summary>As after some training: norms that begin as nothing do something.</summary>
    private static Module<Tensor, Tensor> Learned(Module<Tensor, Tensor> module)
    {
        using var grad = no_grad();
        foreach (var parameter in module.@double().parameters())
            parameter.add_(rand_like(parameter));
        return module;
    }
}
