using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>Adaptive pooling, and what stands behind it: a whole classifier is streamed.</summary>
public sealed class GlobalHeadTests
{
    private const double Tolerance = 1e-12;

    private static readonly Dictionary<string, Func<Module<Tensor, Tensor>>> Heads = new()
    {
        ["average"] = () => Sequential(AdaptiveAvgPool2d(1), Flatten(), Linear(5, 3)),
        ["max"] = () => Sequential(
            AdaptiveMaxPool2d([1, 1]), Flatten(), Linear(5, 4), ReLU(inplace: true), Still(Dropout(0.5)), Linear(4, 2)),
        ["averages of bins"] = () => Sequential(AdaptiveAvgPool2d((3, 2)), Conv2d(5, 4, 2), SiLU(), Flatten(), Linear(8, 3), LogSoftmax(1)),
        ["largest of bins"] = () => Sequential(
            AdaptiveMaxPool2d([2, 4]), Flatten(), Unflatten(1, [5, 8]), Softmax(2), Flatten(), Linear(40, 3)),
        ["bins beyond the map"] = () => Sequential(AdaptiveAvgPool2d(20), Flatten(2), LayerNorm(400), Linear(400, 2)),
        ["nested"] = () => Sequential(
            Sequential(BatchNorm2d(5, affine: false), AdaptiveMaxPool2d([1, 1])),
            Sequential(Flatten(), BatchNorm1d(5)),
            Sequential(Linear(5, 2))),
    };

    public static TheoryData<string> Kinds => [.. Heads.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_classifier_is_that_of_the_whole_image(string kind)
    {
        foreach (var (batch, tile, channelsLast) in new[] { (3, 1, false), (4, 6, true), (3, 64, true) })
        {
            manual_seed(kind.Length);
            using var image = rand(batch, 3, tile == 1 ? 7 : 23, 19, ScalarType.Float64);
            var (name, error) = GlobalStep.Worst(
                () => Sequential(Conv2d(3, 5, 3, bias: false), Tanh(), Heads[kind]()).@double(),
                image,
                new() { Tile = (tile, tile), ChannelsLast = channelsLast });
            Assert.True(error < Tolerance, $"{tile}: {name}: {error}");
        }
    }

    private static Module<Tensor, Tensor> Still(Module<Tensor, Tensor> module)
    {
        module.eval();
        return module;
    }

    [Fact]
    public void A_random_module_on_a_small_tensor_draws_once_in_a_step()
    {
        using var scope = NewDisposeScope();
        manual_seed(6);
        var (convolution, dropout) = (Conv2d(3, 64, 3), Dropout(0.5));
        using var streaming = new StreamingModule(
            Sequential(convolution, AdaptiveAvgPool2d(1), Flatten(), dropout), new() { Tile = (8, 8) });
        using var image = rand(1, 3, 30, 30);
        using var output = streaming.forward(image);
        output.sum().backward();
        using var pooled = convolution.forward(image).mean([2, 3]);
        // A channel's gradient with respect to its bias is what the mask let through.
        Assert.True(((convolution.bias!.grad! * pooled) - output).abs().max().item<float>() < 1e-5f);
        Assert.InRange(output.eq(0).sum().item<long>(), 16, 48);
        using var again = streaming.forward(image);
        Assert.False(again.eq(0).Equals(output.eq(0)));
    }
}
