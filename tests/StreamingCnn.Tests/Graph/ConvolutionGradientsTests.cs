using StreamingCnn.Graph.Layers;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Graph;

/// <summary>
/// The weights' gradient may be summed over bands of rows: where they are cut does not matter, whatever pads, strides and dilates.
/// </summary>
public class ConvolutionGradientsTests
{
    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(1, 1, 1)]
    [InlineData(2, 3, 1)]
    [InlineData(3, 2, 2)]
    [InlineData(1, 9, 1)]
    public void Bands_sum_to_the_whole(long stride, long padding, long dilation)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        manual_seed(1);
        var map = randn(2, 4, 17, 13, dtype: ScalarType.Float64);
        var weight = randn(6, 2, 3, 5, dtype: ScalarType.Float64);
        var arguments = new ConvolutionArguments(new(stride, 2), new(padding, 2), new(dilation, 1), Groups: 2);
        var gradient = randn_like(nn.functional.conv2d(map, weight, null, [stride, 2], [padding, 2], [dilation, 1], 2));
        var whole = ScriptedOperators.ConvolutionBackward(gradient, map, weight, arguments, (true, true, true));
        var row = gradient.numel() / gradient.shape[2];

        foreach (var rows in new[] { 0, 1, 2, 5, 100 })
        {
            var banded = ConvolutionGradients.InBands(gradient, map, weight, arguments, (true, true, true), rows * row);
            var pairs = new[] { (banded.Input!, whole.Input!), (banded.Weight!, whole.Weight!), (banded.Bias!, whole.Bias!) };
            foreach (var (found, expected) in pairs)
                Assert.True((found - expected).abs().max().item<double>() <= 1e-12 * expected.abs().max().item<double>());
        }
    }
}
