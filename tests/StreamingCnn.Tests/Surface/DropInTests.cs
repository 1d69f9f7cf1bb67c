using StreamingCnn.Models;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Surface;

/// <summary>A streaming module behaves as the module it wraps.</summary>
public class DropInTests
{
    private static Module<Tensor, Tensor> Trunk(ScalarType type = ScalarType.Float64)
    {
        manual_seed(7);
        return Sequential(
            ("conv1", Conv2d(3, 8, 5, stride: 2, padding: 2)), ("relu1", ReLU()), ("pool", MaxPool2d(3, 2, 1)),
            ("conv2", Conv2d(8, 8, 3, padding: 1)), ("relu2", ReLU()), ("conv3", Conv2d(8, 4, 3, padding: 1))).to(type);
    }

    [Fact]
    public void An_optimizer_made_before_trains_the_same_weights_as_the_whole_image()
    {
        using var streamedTrunk = Trunk();
        using var wholeTrunk = Trunk();
        var optimizer = optim.Adam(streamedTrunk.parameters(), 1e-2);
        using var streaming = new StreamingModule(streamedTrunk, new() { Tile = (32, 24) });
        var reference = optim.Adam(wholeTrunk.parameters(), 1e-2);

        for (var step = 0; step < 4; step++)
        {
            using var scope = NewDisposeScope();
            var image = randn(2, 3, 71, 83, dtype: ScalarType.Float64);
            foreach (var (module, optim) in new[] { ((Module<Tensor, Tensor>)streaming, optimizer), (wholeTrunk, reference) })
            {
                optim.zero_grad();
                module.forward(image).pow(2).mean().backward();
                optim.step();
            }
        }

        foreach (var (a, b) in streamedTrunk.parameters().Zip(wholeTrunk.parameters()))
            Assert.True(Compare.RelativeError(a.detach(), b.detach()) < 1e-9);
    }

    [Fact]
    public void Gradients_add_to_those_that_are_there_and_parameters_keep_their_identity()
    {
        using var trunk = Trunk();
        var before = trunk.parameters().Select(p => p.Handle).ToArray();
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16) });
        Assert.Equal(before, streaming.parameters().Select(p => p.Handle));
        using var image = randn(1, 3, 40, 40, dtype: ScalarType.Float64);

        streaming.forward(image).sum().backward();
        var once = trunk.parameters().Select(p => p.grad!.clone()).ToArray();
        streaming.forward(image).sum().backward();

        foreach (var (parameter, gradient) in trunk.parameters().Zip(once))
            Assert.True(Compare.RelativeError(parameter.grad!, 2 * gradient) < 1e-12);
    }

    [Fact]
    public void Frozen_parameters_get_no_gradient_and_the_others_the_right_one()
    {
        using var trunk = Trunk();
        var parameters = trunk.parameters().ToArray();
        foreach (var frozen in parameters[..2])
            frozen.requires_grad_(false);
        using var image = randn(1, 3, 50, 60, dtype: ScalarType.Float64);
        trunk.forward(image).pow(2).sum().backward();
        var expected = parameters[2..].Select(p => p.grad!.clone()).ToArray();
        trunk.zero_grad();

        using var streaming = new StreamingModule(trunk, new() { Tile = (20, 20) });
        streaming.forward(image).pow(2).sum().backward();

        Assert.All(parameters[..2], p => Assert.Null(p.grad));
        foreach (var (parameter, gradient) in parameters[2..].Zip(expected))
            Assert.True(Compare.RelativeError(parameter.grad!, gradient) < 1e-12);
    }

    [Fact]
    public void Only_the_image_may_want_a_gradient()
    {
        using var trunk = Trunk();
        foreach (var parameter in trunk.parameters())
            parameter.requires_grad_(false);
        using var image = randn(2, 3, 45, 37, dtype: ScalarType.Float64).requires_grad_(true);
        trunk.forward(image).pow(2).sum().backward();
        using var expected = image.grad!.clone();
        image.grad = null;

        using var streaming = new StreamingModule(trunk, new() { Tile = (13, 40) });
        streaming.forward(image).pow(2).sum().backward();

        Assert.True(Compare.RelativeError(image.grad!, expected) < 1e-12);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Lower_precisions_are_as_near_to_the_float64_result_as_the_whole_image_is(ScalarType type)
    {
        manual_seed(7);
        using var trunk = Sequential(
            ("conv1", Conv2d(3, 16, 5, stride: 2, padding: 2)), ("relu1", ReLU()), ("pool", MaxPool2d(3, 2, 1)),
            ("conv2", Conv2d(16, 16, 3, padding: 1)), ("relu2", ReLU()), ("conv3", Conv2d(16, 16, 3, padding: 1))).to(ScalarType.Float64);
        using var image = randn(1, 3, 61, 67, dtype: ScalarType.Float64);
        var exact = Gradients(trunk, image);
        trunk.to(type);
        using var rounded = image.to(type);
        var whole = Gradients(trunk, rounded);
        // Seen with libtorch 2.10: on some processors its own bfloat16 convolutions are off by half for channels that are no multiple of
        // 16.
        Assert.SkipWhen(
            Worst(whole) > 0.1,
            $"PyTorch itself is off by {Worst(whole):e1} in {type} on this processor, so there is nothing to compare with.");
        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 24) });
        var streamed = Gradients(streaming, rounded);

        Assert.Equal(type, streaming.forward(rounded).dtype);
        Assert.All(streamed, gradient => Assert.Equal(type, gradient.dtype));
        // Tiles sum in another order, so single parameters may come out a little better or worse than the whole image's; twice as bad is a
        // fault.
        Assert.True(Worst(streamed) < 2 * Worst(whole), $"streamed {Worst(streamed):e2}, whole {Worst(whole):e2}");

        double Worst(Tensor[] gradients) => gradients.Zip(exact).Max(pair => Compare.RelativeError(pair.First, pair.Second));

        static Tensor[] Gradients(nn.Module<Tensor, Tensor> module, Tensor image)
        {
            module.zero_grad();
            module.forward(image).to(ScalarType.Float64).pow(2).mean().backward();
            return [.. module.parameters().Select(p => p.grad!.clone())];
        }
    }

    [Fact]
    public void Gradients_can_be_asked_for_without_backward()
    {
        using var trunk = Trunk();
        var parameters = trunk.parameters().ToArray();
        using var image = randn(1, 3, 40, 44, dtype: ScalarType.Float64);
        var expected = autograd.grad([trunk.forward(image).pow(2).sum()], parameters);

        using var streaming = new StreamingModule(trunk, new() { Tile = (16, 16) });
        var actual = autograd.grad([streaming.forward(image).pow(2).sum()], parameters);

        foreach (var (a, b) in actual.Zip(expected))
            Assert.True(Compare.RelativeError(a, b) < 1e-12);
        Assert.All(parameters, p => Assert.Null(p.grad));
    }

    [Fact]
    public void Random_layers_draw_the_same_numbers_at_every_tile_size()
    {
        using var trunk = Sequential(
            Conv2d(3, 8, 3, padding: 1),
            Dropout(0.3),
            Conv2d(8, 8, 3, stride: 2, padding: 1),
            Dropout2d(0.4),
            new StochasticDepth(0.3),
            Conv2d(8, 4, 3, padding: 1)).to(ScalarType.Float64);
        using var image = randn(3, 3, 41, 53, dtype: ScalarType.Float64);
        (Tensor Output, Tensor[] Gradients)? reference = null;
        foreach (var tile in new[] { (100, 100), (16, 16), (7, 31), (1, 53) })
        {
            manual_seed(3);
            trunk.zero_grad();
            using var streaming = new StreamingModule(trunk, new() { Tile = tile });
            var output = streaming.forward(image);
            output.pow(2).sum().backward();
            var gradients = trunk.parameters().Select(p => p.grad!.clone()).ToArray();
            reference ??= (output.detach(), gradients);
            Assert.True(Compare.RelativeError(output.detach(), reference.Value.Output) < 1e-12);
            foreach (var (a, b) in gradients.Zip(reference.Value.Gradients))
                Assert.True(Compare.RelativeError(a, b) < 1e-12);
        }

        trunk.eval();
        using var evaluated = new StreamingModule(trunk, new() { Tile = (16, 16) });
        Assert.True(Compare.RelativeError(evaluated.forward(image).detach(), trunk.forward(image).detach()) < 1e-12);
    }

    [Fact]
    public void Dropout_drops_the_share_that_it_should()
    {
        using var trunk = Sequential(Dropout(0.25));
        using var streaming = new StreamingModule(trunk, new() { Tile = (64, 64) });
        using var output = streaming.forward(ones(1, 4, 300, 300));

        Assert.Equal(0.25, output.eq(0).to(ScalarType.Float64).mean().item<double>(), 2);
        Assert.Equal(1, output.mean().item<float>(), 2);
    }

    [Fact]
    public void Several_outputs_are_each_those_of_the_whole_image()
    {
        manual_seed(5);
        using var trunk = (MultiOutputBlock)new Pyramid().to(ScalarType.Float64);
        using var image = randn(1, 3, 57, 49, dtype: ScalarType.Float64);
        var expected = trunk.forward(image);
        (expected[0].pow(2).sum() + expected[2].sum()).backward();
        var gradients = trunk.parameters().Select(p => p.grad?.clone()).ToArray();
        trunk.zero_grad();

        using var streaming = new StreamingPyramid(trunk, new() { Tile = (16, 12) });
        var actual = streaming.forward(image);
        (actual[0].pow(2).sum() + actual[2].sum()).backward();

        foreach (var (a, b) in actual.Zip(expected))
            Assert.True(Compare.RelativeError(a.detach(), b.detach()) < 1e-12);
        foreach (var (parameter, gradient) in trunk.parameters().Zip(gradients))
            Assert.True(gradient is null ? parameter.grad is null : Compare.RelativeError(parameter.grad!, gradient) < 1e-12);
    }

    [Fact]
    public void An_image_source_gives_what_the_tensor_gives()
    {
        using var trunk = Trunk();
        using var image = (rand(1, 3, 77, 91) * 255).to(ScalarType.Byte);
        using var streaming = new StreamingModule(trunk, new() { Tile = (32, 32) });

        using var fromTensor = streaming.forward(image);
        using var source = new MemorySource(image);
        using var fromSource = streaming.forward(source);
        fromSource.sum().backward();

        Assert.Equal(0, Compare.RelativeError(fromSource.detach(), fromTensor.detach()));
        Assert.Equal(0, Compare.RelativeError(fromTensor.detach(), streaming.forward(image.to(ScalarType.Float64)).detach()));
        Assert.All(trunk.parameters(), p => Assert.NotNull(p.grad));
    }

    [Fact]
    public void No_tensor_is_left_over()
    {
        using var trunk = Trunk(ScalarType.Float32);
        using var image = randn(1, 3, 90, 90);
        using var streaming = new StreamingModule(trunk, new() { Tile = (32, 32) });
        Step();
        var before = LivingTensors.Count();
        for (var step = 0; step < 5; step++)
            Step();
        Assert.Equal(before, LivingTensors.Count());

        void Step()
        {
            trunk.zero_grad();
            using (NewDisposeScope())
                streaming.forward(image).sum().backward();
            using (NewDisposeScope())
            using (no_grad())
                streaming.forward(image);
            Execution.StreamingFunction.Release();
        }
    }

    private sealed class Pyramid : MultiOutputBlock
    {
        private readonly TorchSharp.Modules.Conv2d stem = Conv2d(3, 4, 3, padding: 1);
        private readonly TorchSharp.Modules.Conv2d down = Conv2d(4, 4, 3, stride: 2, padding: 1);
        private readonly TorchSharp.Modules.Conv2d side = Conv2d(4, 2, 5, padding: 2);

        public Pyramid()
            : base(nameof(Pyramid)) => RegisterComponents();

        public override IReadOnlyList<FeatureMap> Trace(FeatureMap input)
        {
            var first = input.Through(stem);
            var second = first.Through(ReLU()).Through(down);
            return [first, second.Through(side), second];
        }
    }
}
