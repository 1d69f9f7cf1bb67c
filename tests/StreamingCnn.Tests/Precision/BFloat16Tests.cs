using StreamingCnn.Interop;
using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using StreamingCnn.Tests.Stages;
using StreamingCnn.Tests.Surface;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Precision;

/// <summary>Maps in bfloat16, parameters and their gradients in float32: how far the result is from float32's.</summary>
public class BFloat16Tests
{
    // What the documentation states. bfloat16 has 8 significant bits, a relative rounding of 0.4 % at each of some 70 layers.
    private const double StatedOutputError = 0.02;
    private const double StatedGradientError = 0.04;

    private const int Networks = 4;

    [Fact]
    public void A_ResNet_34_is_as_far_from_float32_as_stated()
    {
        manual_seed(1);
        using var trunk = new ResNetTrunk(34);
        trunk.eval();
        using var image = rand(1, 3, 192, 160);

        var (output, gradients) = Step(trunk, image, new() { Tile = (128, 128) });
        var (narrowOutput, narrowGradients) = Step(trunk, image, new() { Tile = (128, 128), Compute = ComputePrecision.BFloat16 });

        Assert.Equal(ScalarType.Float32, narrowOutput.dtype);
        Assert.All(narrowGradients, gradient => Assert.Equal(ScalarType.Float32, gradient.dtype));
        Assert.InRange(Distance(narrowOutput, output), 1e-4, StatedOutputError);
        Assert.InRange(Distance(Joined(narrowGradients), Joined(gradients)), 1e-4, StatedGradientError);
    }

    [Theory]
    [InlineData("convnext-tiny", 96, 0.02, 0.1)]
    [InlineData("small", 160, 0.02, 0.1)]
    public void So_are_other_networks(string model, int side, double outputError, double gradientError)
    {
        manual_seed(1);
        using var trunk = ModelCatalog.Create(model);
        trunk.eval();
        using var image = rand(1, 3, side, side);

        var (output, gradients) = Step(trunk, image, new() { Tile = (64, 64) });
        var (narrowOutput, narrowGradients) = Step(trunk, image, new() { Tile = (64, 64), Compute = ComputePrecision.BFloat16 });

        Assert.InRange(Distance(narrowOutput, output), 0, outputError);
        Assert.InRange(Distance(Joined(narrowGradients), Joined(gradients)), 0, gradientError);
    }

    /// <summary>
    /// Gradients of a deep network with norms of maps are ill-conditioned where its weights are random: what rounding makes of them is held
    /// to what PyTorch makes of them when all is bfloat16.
    /// </summary>
    [Theory]
    [InlineData(NormKind.Batch)]
    [InlineData(NormKind.Group)]
    public void Networks_that_look_at_whole_maps_are_as_far_from_float32_as_when_all_is_bfloat16(NormKind norm)
    {
        Assert.SkipUnless(ConvolutionCheck.IsRight, "The library's own convolutions, which these are held to, are wrong on this processor.");
        var streamed = (Output: 0.0, Gradients: 0.0);
        var wholly = (Output: 0.0, Gradients: 0.0);
        // One network's distances are as random as its weights.
        for (var seed = 1; seed <= Networks; seed++)
        {
            using var scope = NewDisposeScope();
            manual_seed(seed);
            var network = Sequential(NarrowResNet.Of34Layers(norm), AdaptiveAvgPool2d(1), Flatten(), Linear(64, 3));
            var image = rand(1, 3, 128, 96);

            var exact = Step(network, image, new() { Tile = (64, 64) });
            var narrow = Step(network, image, new() { Tile = (64, 64), Compute = ComputePrecision.BFloat16 });
            network.to(ScalarType.BFloat16);
            network.zero_grad();
            var output = network.forward(image.to(ScalarType.BFloat16)).to(ScalarType.Float32);
            output.square().mean().backward();
            var gradients = network.parameters().Select(parameter => parameter.grad!.to(ScalarType.Float32)).ToArray();

            Assert.Equal(ScalarType.Float32, narrow.Output.dtype);
            streamed.Output += Distance(narrow.Output, exact.Output);
            streamed.Gradients += Distance(Joined(narrow.Gradients), Joined(exact.Gradients));
            wholly.Output += Distance(output, exact.Output);
            wholly.Gradients += Distance(Joined(gradients), Joined(exact.Gradients));
        }

        Assert.InRange(streamed.Output, 1e-4 * Networks, 1.25 * wholly.Output);
        Assert.InRange(streamed.Gradients, 1e-4 * Networks, 1.25 * wholly.Gradients);
    }

    [Theory]
    [InlineData(16, 32, 3, 1)]
    [InlineData(64, 64, 3, 1)]
    [InlineData(32, 64, 1, 2)]
    [InlineData(64, 128, 3, 2)]
    [InlineData(48, 16, 5, 1)]
    [InlineData(3, 24, 7, 2)]
    [InlineData(20, 12, 3, 1)]
    [InlineData(256, 1024, 1, 1)]
    [InlineData(1024, 64, 1, 2)]
    public void Every_convolution_is_right_to_the_rounding_of_its_maps(int channels, int outputs, int kernel, int stride)
    {
        manual_seed(1);
        // The first layer sees the image, which is not narrow; the second one's maps are.
        using var trunk = Sequential(Conv2d(3, channels, 1), Conv2d(channels, outputs, kernel, stride: stride, padding: kernel / 2));
        using var image = rand(1, 3, 61, 47);

        var (output, gradients) = Step(trunk, image, new() { Tile = (24, 32) });
        var (narrowOutput, narrowGradients) = Step(trunk, image, new() { Tile = (24, 32), Compute = ComputePrecision.BFloat16 });

        Assert.InRange(Distance(narrowOutput, output), 0, 0.01);
        foreach (var (narrow, exact) in narrowGradients.Zip(gradients))
            Assert.InRange(Distance(narrow, exact), 0, 0.01);
    }

    [Fact]
    public void The_image_s_gradient_comes_in_the_image_s_type()
    {
        using var trunk = Sequential(Conv2d(3, 16, 3, padding: 1), ReLU(), Conv2d(16, 16, 3, padding: 1));
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16), Compute = ComputePrecision.BFloat16 });
        using var image = rand(1, 3, 40, 40, requires_grad: true);

        streaming.forward(image).sum().backward();

        Assert.Equal(ScalarType.Float32, image.grad!.dtype);
    }

    [Fact]
    public void A_plan_counts_maps_of_half_the_bytes()
    {
        using var trunk = new ResNetTrunk(18);
        trunk.eval();
        using var wide = new StreamingModule(trunk, new() { Tile = (256, 256) });
        using var narrow = new StreamingModule(trunk, new() { Tile = (256, 256), Compute = ComputePrecision.BFloat16 });

        var (expected, plan) = (wide.Plan(1000, 1000), narrow.Plan(1000, 1000));

        Assert.InRange(plan.CarryBytes, expected.CarryBytes * 2 / 5, expected.CarryBytes * 3 / 5);
        Assert.Equal(expected.ParameterBytes, plan.ParameterBytes);
        Assert.True(plan.StepBytes < expected.StepBytes);
    }

    [Fact]
    public void Parameters_of_another_type_are_refused()
    {
        using var trunk = Sequential(Conv2d(3, 16, 3, dtype: ScalarType.Float64));
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16), Compute = ComputePrecision.BFloat16 });

        var failure = Assert.Throws<UnsupportedLayerException>(() => streaming.forward(rand(1, 3, 40, 40)));

        Assert.Contains("has parameters of type Float64, but to compute in bfloat16 they must be float32", failure.Message);
    }

    private static (Tensor Output, Tensor[] Gradients) Step(Module<Tensor, Tensor> trunk, Tensor image, StreamingOptions options)
    {
        trunk.zero_grad();
        using var streaming = new StreamingModule(trunk, options);
        var output = streaming.forward(image);
        output.square().mean().backward();
        return (output.detach(), [.. trunk.parameters().Select(parameter => parameter.grad!.clone())]);
    }

    private static Tensor Joined(Tensor[] gradients) => cat([.. gradients.Select(gradient => gradient.flatten())]);

    /// <summary>The root of the mean squared difference, divided by that of the reference.</summary>
    private static double Distance(Tensor actual, Tensor expected) =>
        ((actual - expected).norm() / expected.norm()).item<float>();
}
