using System.Security.Cryptography;
using System.Text;
using StreamingCnn.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Models.Published;

/// <summary>
/// The library's networks are those of torchvision and timm: names, shapes and numbers, and, streamed, what they compute.
/// </summary>
public sealed class PublishedNetworkTests
{
    private const double Tolerance = 1e-9;
    private const int Classes = 5;

    [Theory]
    [InlineData("efficientnet_b0")]
    [InlineData("efficientnet_b1")]
    [InlineData("efficientnet_b2")]
    [InlineData("efficientnet_b3")]
    [InlineData("mobilenet_v3_small")]
    [InlineData("mobilenet_v3_large")]
    [InlineData("regnet_y_400mf")]
    [InlineData("regnet_y_800mf")]
    [InlineData("regnet_y_1_6gf")]
    [InlineData("regnet_y_3_2gf")]
    [InlineData("convnextv2_atto")]
    [InlineData("convnextv2_femto")]
    [InlineData("convnextv2_pico")]
    [InlineData("convnextv2_nano")]
    [InlineData("convnextv2_tiny")]
    [InlineData("convnext_tiny")]
    [InlineData("swin_t")]
    [InlineData("swin_s")]
    [InlineData("resnet18")]
    [InlineData("resnet50_gn")]
    public void Names_shapes_and_numbers_are_the_published_ones(string name)
    {
        var published = PublishedNetwork.Of(name);
        using var network = PublishedNetwork.Create(name, 1000);

        string[] names =
        [
            .. network.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal)
                .Select(entry => $"{entry.Key} {string.Join('x', entry.Value.shape)}"),
        ];

        if (published.Names.Count > 0)
            Assert.Equal(published.Names, names);
        Assert.Equal(published.Digest, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', names)))));
        Assert.Equal(published.Parameters, network.parameters().Sum(parameter => parameter.numel()));
        Assert.All(
            network.modules().OfType<BatchNorm2d>(),
            norm => Assert.Equal((published.Eps, published.Momentum), (norm.eps, norm.momentum)));
    }

    [Theory]
    [InlineData("efficientnet_b0")]
    [InlineData("mobilenet_v3_small")]
    [InlineData("regnet_y_400mf")]
    [InlineData("convnextv2_atto")]
    [InlineData("resnet18")]
    [InlineData("resnet50_gn")]
    [InlineData("swin_t")]
    public void Streamed_it_computes_what_is_published(string name)
    {
        using var scope = NewDisposeScope();
        var published = PublishedNetwork.Of(name);
        var network = PublishedNetwork.Create(name, Classes).@double();
        PublishedNetwork.Fill(network);
        var streamed = new StreamingModule(network, new() { Tile = (64, 64) });
        var image = PublishedNetwork.Image();

        network.eval();
        using (no_grad())
            AssertEqual(published.Evaluation, "evaluation", streamed.forward(image));

        network.train();
        foreach (var random in network.modules().Where(module => module is TorchSharp.Modules.Dropout or StochasticDepth))
            random.eval();
        var output = streamed.forward(image);
        AssertEqual(published.Training, "training", output);
        (output * PublishedNetwork.Wave(output.numel(), 2).reshape(output.shape)).sum().backward();

        AssertEqual(published.Gradients, "gradients", Norms(network.named_parameters().Select(pair => (pair.name, pair.parameter.grad!))));
        if (network.named_buffers().Any())
            AssertEqual(published.Statistics, "statistics", Norms(network.named_buffers().Select(pair => (pair.name, pair.buffer))));
    }

    private static Tensor Norms(IEnumerable<(string Name, Tensor Value)> tensors) => stack(
        tensors.OrderBy(pair => pair.Name, StringComparer.Ordinal).Select(pair => pair.Value.to(ScalarType.Float64).norm()));

    private static void AssertEqual(double[] expected, string what, Tensor actual)
    {
        var values = actual.detach().flatten().data<double>().ToArray();
        Assert.Equal(expected.Length, values.Length);
        var largest = expected.Max(Math.Abs);
        foreach (var (index, value) in values.Index())
            Assert.True(Math.Abs(value - expected[index]) < Tolerance * largest, $"{what} {index}: {value} is not {expected[index]}");
    }
}
