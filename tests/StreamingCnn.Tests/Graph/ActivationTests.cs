using StreamingCnn.Geometry;
using StreamingCnn.Graph;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Graph;

/// <summary>
/// Activations are applied to windows that other layers read as well, and that are disposed by themselves: whatever the module does to its
/// argument, the engine's layer neither changes nor returns it.
/// </summary>
public class ActivationTests
{
    public static TheoryData<string> Names => [.. Activations.Keys];

    private static readonly Dictionary<string, Func<bool, Module<Tensor, Tensor>>> Activations = new()
    {
        ["ReLU"] = inplace => ReLU(inplace),
        ["ReLU6"] = inplace => ReLU6(inplace),
        ["LeakyReLU"] = inplace => LeakyReLU(0.1, inplace),
        ["ELU"] = inplace => ELU(1, inplace),
        ["CELU"] = inplace => CELU(1, inplace),
        ["SELU"] = inplace => SELU(inplace),
        ["GELU"] = inplace => GELU(inplace),
        ["SiLU"] = inplace => SiLU(inplace),
        ["Mish"] = inplace => Mish(inplace),
        ["Hardtanh"] = _ => Hardtanh(-0.7, 0.7, inplace: true),
        ["Hardswish"] = inplace => Hardswish(inplace),
        ["Hardsigmoid"] = inplace => Hardsigmoid(inplace),
        ["Sigmoid"] = inplace => Sigmoid(inplace),
        ["Tanh"] = inplace => Tanh(inplace),
        ["Softsign"] = inplace => Softsign(inplace),
        ["Threshold"] = inplace => Threshold(0.1, 0.2, inplace),
        ["RReLU"] = inplace => RReLU(0.1, 0.3, inplace),
        ["Tanhshrink"] = inplace => Tanhshrink(inplace),
        ["Softplus"] = _ => Softplus(),
        ["Softshrink"] = _ => Softshrink(),
        ["Hardshrink"] = _ => Hardshrink(),
        ["LogSigmoid"] = _ => LogSigmoid(),
        ["PReLU"] = _ => PReLU(4),
        ["Softmax"] = _ => Softmax(1),
        ["LogSoftmax"] = _ => LogSoftmax(1),
        ["Softmax2d"] = _ => Softmax2d(),
        ["GLU"] = _ => GLU(1),
        ["ChannelShuffle"] = _ => ChannelShuffle(2),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void An_activation_leaves_its_window_alone(string name)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        foreach (var inplace in new[] { false, true })
        {
            using var module = Activations[name](inplace);
            module.to(ScalarType.Float64).eval();
            var layer = LayerRegistry.Describe(module).Layer!;
            var window = randn(2, 4, 5, 6, dtype: ScalarType.Float64);
            var before = window.clone();
            var patch = new Patch(
                AxisPatch.Of(layer.Along(Axis.Rows, 5), new(0, 5)), AxisPatch.Of(layer.Along(Axis.Columns, 6), new(0, 6)));

            var output = layer.Compute([window], patch);

            Assert.NotSame(window, output);
            Assert.True(Compare.AreEqual(window, before), $"{name} changes its window");
            Assert.True(Compare.AreEqual(output, module.forward(before.clone())), $"{name} differs from its module");
            Assert.NotSame(window, layer.Whole([window]));
            Assert.True(Compare.AreEqual(window, before), $"{name} changes the whole map");
        }
    }

    [Fact]
    public void A_hard_tanh_that_does_not_clamp_is_refused_and_one_that_does_is_not()
    {
        using var scope = NewDisposeScope();
        var values = linspace(-2, 2, 9, dtype: ScalarType.Float64).reshape(1, 1, 3, 3);
        var clamped = values.clamp(-0.5, 0.5);
        // TorchSharp's fault: where it is mended, the refusal can go.
        Assert.True(Compare.AreEqual(Hardtanh(-0.5, 0.5).forward(values.clone()), values));
        Assert.Contains("inplace: true", LayerRegistry.Describe(Hardtanh(-0.5, 0.5)).Refusal!, StringComparison.Ordinal);
        using var streaming = new StreamingModule(Sequential(Hardtanh(-0.5, 0.5, inplace: true)), new() { Tile = (2, 2) });
        Assert.True(Compare.AreEqual(streaming.forward(values), clamped));
    }

    [Fact]
    public void A_module_that_returns_its_argument_can_be_streamed()
    {
        LayerRegistry.Register<Mirror>(mirror => new PointwiseLayer(mirror));
        using var scope = NewDisposeScope();
        using var trunk = Sequential(Conv2d(1, 2, 3, padding: 1), new Mirror(), Conv2d(2, 1, 3));
        using var streaming = new StreamingModule(trunk, new() { Tile = (7, 9) });
        var image = randn(1, 1, 20, 23).requires_grad_(true);
        using (no_grad())
            streaming.forward(image);

        streaming.forward(image).sum().backward();

        Assert.NotNull(image.grad);
    }

    private sealed class Mirror() : Module<Tensor, Tensor>(nameof(Mirror))
    {
        public override Tensor forward(Tensor input) => input;
    }
}
