using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// Max pooling where values are not finite: PyTorch's own rule for the value and for the position that gets the
/// gradient, the image's border included.
/// </summary>
public class MaxPoolingTests
{
    public static TheoryData<string> Names => [.. Poolings.Keys];

    private static readonly Dictionary<string, Func<MaxPool2d>> Poolings = new()
    {
        ["3, stride 2, padding 1"] = () => MaxPool2d(3, 2, 1),
        ["2, padding 1"] = () => MaxPool2d(2, 2, 1),
        ["overlapping"] = () => MaxPool2d(5, 1, 2),
        ["ceil mode"] = () => MaxPool2d(3, 2, 1, ceil_mode: true),
        ["dilated"] = () => MaxPool2d(3, 2, 1, 2),
        ["dilated, ceil mode"] = () => MaxPool2d((3, 4), (3, 2), (1, 2), (2, 3), ceil_mode: true),
        ["stride above kernel"] = () => MaxPool2d(2, 3, 1),
        ["oblong"] = () => MaxPool2d((4, 3), (1, 3), (2, 0)),
        ["no padding"] = () => MaxPool2d(3, 2),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Windows_of_minus_infinity_and_of_NaN_give_what_PyTorch_gives(string name)
    {
        foreach (var channelsLast in new[] { false, true })
        {
            using var scope = NewDisposeScope();
            manual_seed(31);
            using var trunk = Sequential(Poolings[name]());
            var image = randn(2, 3, 27, 30, dtype: ScalarType.Float64);
            using (no_grad())
            {
                // Corners and borders, whole rows and columns, and some within.
                image.narrow(2, 0, 4).fill_(double.NegativeInfinity);
                image.narrow(2, 24, 3).narrow(3, 0, 9).fill_(double.NegativeInfinity);
                image.narrow(3, 26, 4).fill_(double.NegativeInfinity);
                image.narrow(2, 10, 6).narrow(3, 8, 7).fill_(double.NegativeInfinity);
                image.narrow(3, 0, 3).narrow(2, 8, 7).fill_(double.NegativeInfinity);
                image[0, 1, 26, 3] = double.NaN;
                image[1, 0, 0, 0] = double.NaN;
                image[1, 2, 1, 28] = double.PositiveInfinity;
            }

            image.requires_grad_(true);
            var whole = trunk.forward(image);
            var weights = randn_like(whole);
            whole.backward([weights]);
            var expected = image.grad!.clone();
            foreach (var tile in new[] { (6, 5), (13, 40), (64, 64) })
            {
                image.grad = null;
                using var streaming = new StreamingModule(trunk, new() { Tile = tile, ChannelsLast = channelsLast });

                var output = streaming.forward(image);
                output.backward([weights]);

                Assert.True(output.eq(whole).logical_or(output.isnan().logical_and(whole.isnan())).all().item<bool>(), $"{tile}");
                Assert.True(
                    Compare.RelativeError(image.grad!, expected) < 1e-12, $"{tile}: {Compare.RelativeError(image.grad!, expected):e1}");
            }
        }
    }

    [Fact]
    public void The_gradient_of_a_border_window_of_minus_infinity_stays_in_the_image()
    {
        using var image = full([1, 1, 4, 4], double.NegativeInfinity, dtype: ScalarType.Float64).requires_grad_(true);
        using var streaming = new StreamingModule(Sequential(MaxPool2d(3, 2, 1)), new() { Tile = (2, 2) });

        streaming.forward(image).backward([ones(1, 1, 2, 2, dtype: ScalarType.Float64)]);

        Assert.Equal(4, image.grad!.sum().item<double>());
        Assert.Equal(1, image.grad![0, 0, 0, 0].item<double>());
    }
}
