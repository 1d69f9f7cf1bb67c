using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Graph;

public class BicubicTests
{
    /// <summary>Where corners are aligned, the one output is the first input, and no other one is there to be read.</summary>
    [Theory]
    [InlineData(1, 5)]
    [InlineData(6, 1)]
    [InlineData(1, 1)]
    public void A_map_of_one_row_or_column_is_the_first_of_what_it_is_resized_from(long height, long width)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var trunk = Sequential(
            ("conv", Conv2d(2, 3, 3)), ("resize", Upsample([height, width], mode: UpsampleMode.Bicubic, align_corners: true)))
            .to(ScalarType.Float64);
        var image = randn(1, 2, 11, 13, ScalarType.Float64).requires_grad_(true);
        var expected = trunk.forward(image);
        var weights = randn_like(expected);
        (expected * weights).sum().backward();
        var gradient = image.grad!.clone();
        image.grad.zero_();

        using var streaming = new StreamingModule(trunk, new() { Tile = (4, 4) });
        var actual = streaming.forward(image);
        (actual * weights).sum().backward();

        Assert.True(Compare.RelativeError(actual.detach(), expected.detach()) < 1e-12);
        Assert.True(Compare.RelativeError(image.grad!, gradient) < 1e-12);
    }
}
