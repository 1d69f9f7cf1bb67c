using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using StreamingCnn.Tests.Stages;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Models;

/// <summary>Convolutions whose weights are standardised.</summary>
public sealed class StandardisedWeightsTests
{
    /// <summary>A norm behind such a convolution must not be folded into the weights that it was made of.</summary>
    [Theory]
    [InlineData(18)]
    [InlineData(50)]
    public void Streamed_is_whole_with_norms_that_would_be_folded(int depth)
    {
        manual_seed(3);
        using var scope = NewDisposeScope();
        var (where, error) = GlobalStep.Worst(
            () =>
            {
                var trunk = new ResNetTrunk(depth, 3, NormKind.Frozen, standardised: true).@double();
                trunk.eval();
                using var unrecorded = no_grad();
                foreach (var norm in trunk.modules().OfType<BatchNorm2d>())
                {
                    norm.running_mean!.normal_(0, 0.1);
                    norm.running_var!.uniform_(5, 15);
                }

                return trunk;
            },
            rand(1, 3, 67, 75, ScalarType.Float64),
            new() { Tile = (32, 64) });
        Assert.True(error < 1e-11, $"{where}: {error}");
    }

    [Fact]
    public void What_is_added_to_all_weights_of_a_channel_makes_no_difference()
    {
        manual_seed(3);
        using var scope = NewDisposeScope();
        using var unrecorded = no_grad();
        var trunk = new ResNetTrunk(18, 3, NormKind.Frozen, standardised: true).@double();
        trunk.eval();
        var streamed = new StreamingModule(trunk, new() { Tile = (32, 32) });
        var image = rand(1, 3, 65, 50, ScalarType.Float64);
        var before = streamed.forward(image);

        foreach (var convolution in trunk.modules().OfType<Conv2d>())
            convolution.weight.add_(rand(convolution.out_channels, 1, 1, 1, ScalarType.Float64));

        Assert.True(before.abs().max().item<double>() > 0);
        Assert.InRange(Compare.RelativeError(streamed.forward(image), before), 0, 1e-10);
    }
}
