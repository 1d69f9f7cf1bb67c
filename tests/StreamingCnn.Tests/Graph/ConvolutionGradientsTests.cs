using StreamingCnn.Graph.Layers;
using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Graph;

/// <summary>
/// The weights' gradient may be summed over bands of rows, and gathered from convolutions without stride: where they are cut does not
/// matter, whatever pads, strides and dilates.
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
        var whole = ScriptedOperators.ConvolutionBackward(gradient, map, weight, arguments, (false, true, false)).Weight!;

        foreach (var rows in new[] { 1, 2, 5, 100 })
            IsClose(ConvolutionGradients.OfWeights(gradient, map, weight, arguments, rows, isPhased: false), whole);
    }

    [Theory]
    [InlineData(2, 2, 3, 3, 0, 0)]
    [InlineData(2, 2, 3, 3, 1, 1)]
    [InlineData(3, 2, 2, 5, 1, 0)]
    [InlineData(4, 4, 4, 4, 0, 0)]
    [InlineData(2, 5, 7, 3, 3, 1)]
    public void Convolutions_without_stride_make_up_a_strided_one(
        long rowStride, long columnStride, long rowTaps, long columnTaps, long rowPadding, long columnPadding)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        manual_seed(1);
        long[] stride = [rowStride, columnStride], padding = [rowPadding, columnPadding];
        foreach (var format in Enum.GetValues<MapFormat>())
        {
            // The window ends where the last output does, or with rows and columns that none reads.
            foreach (var surplus in new[] { 0, 1 })
            {
                var map = format.Copy(randn(
                    [2, 3, rowStride * 6 + rowTaps - 2 * rowPadding + surplus, columnStride * 4 + columnTaps - 2 * columnPadding + surplus],
                    dtype: ScalarType.Float64));
                var weight = randn(5, 3, rowTaps, columnTaps, dtype: ScalarType.Float64);
                var arguments = new ConvolutionArguments(new(rowStride, columnStride), new(rowPadding, columnPadding), new(1, 1), 1);
                var gradient = format.Copy(randn_like(nn.functional.conv2d(map, weight, null, stride, padding)));
                var whole = ScriptedOperators.ConvolutionBackward(gradient, map, weight, arguments, (false, true, false)).Weight!;

                foreach (var rows in new[] { 2, 100 })
                    IsClose(ConvolutionGradients.OfWeights(gradient, map, weight, arguments, rows, isPhased: true), whole);
            }
        }
    }

    /// <summary>Large enough for bands, phases, both, and neither; in float32, in which the pieces are cut.</summary>
    [Theory]
    [InlineData(64, 64, 3, 1, 96)]
    [InlineData(128, 128, 3, 1, 90)]
    [InlineData(32, 64, 3, 2, 300)]
    [InlineData(64, 32, 2, 2, 200)]
    [InlineData(16, 16, 3, 1, 20)]
    [InlineData(3, 16, 7, 2, 200)]
    public void Large_windows_have_the_gradients_of_float64(long inputs, long outputs, long kernel, long stride, long side)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        manual_seed(1);
        var map = MapFormat.ChannelsLast.Copy(randn(1, inputs, side, side));
        var weight = randn(outputs, inputs, kernel, kernel);
        var arguments = new ConvolutionArguments(new(stride, stride), default, new(1, 1), 1);
        var exact = nn.functional.conv2d(map.to(ScalarType.Float64), weight.to(ScalarType.Float64), null, [stride, stride]);
        var gradient = MapFormat.ChannelsLast.Copy(randn(exact.shape));

        var found = ConvolutionGradients.Of(gradient, map, weight, arguments, (true, true, true));
        var (input, ofWeight, bias) = ScriptedOperators.ConvolutionBackward(
            gradient.to(ScalarType.Float64),
            map.to(ScalarType.Float64),
            weight.to(ScalarType.Float64),
            arguments,
            (true, true, true));

        IsClose(found.Input!.to(ScalarType.Float64), input!, 1e-5);
        IsClose(found.Weight!.to(ScalarType.Float64), ofWeight!, 1e-4);
        IsClose(found.Bias!.to(ScalarType.Float64), bias!, 1e-5);
    }

    private static void IsClose(Tensor found, Tensor expected, double tolerance = 1e-12) =>
        Assert.InRange((found - expected).abs().max().item<double>() / expected.abs().max().item<double>(), 0, tolerance);
}
