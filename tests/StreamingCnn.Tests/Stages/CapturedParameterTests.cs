using System.Runtime.InteropServices;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>A function of small tensors gives a gradient to whatever it uses, or says that it cannot.</summary>
public sealed class CapturedParameterTests
{
    private static readonly Parameter Fixed = new(tensor(new[] { 0.3, 0.5 }));

    [Theory]
    [InlineData("field")]
    [InlineData("variable")]
    [InlineData("module")]
    [InlineData("combined")]
    public void Parameters_that_a_function_has_captured_learn(string kind)
    {
        manual_seed(1);
        var (name, error) = GlobalStep.Worst(
            () => Sequential(Conv2d(3, 2, 3), new Scaled(kind)).@double(), rand(2, 3, 12, 13, ScalarType.Float64), new() { Tile = (6, 6) });
        Assert.True(error < 1e-12, $"{name}: {error}");
    }

    [Fact]
    public void A_parameter_in_a_static_field_learns()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using var head = new Applied(Statically);
        using var streaming = new StreamingModule(head, new() { Tile = (6, 6) });
        using var image = rand(1, 2, 12, 13, ScalarType.Float64);

        Fixed.grad = null;
        streaming.forward(image).sum().backward();

        Assert.True(Compare.RelativeError(Fixed.grad!, image.mean([2, 3]).squeeze(0)) < 1e-12);
    }

    [Fact]
    public void A_tensor_that_cannot_get_its_gradient_is_refused()
    {
        using var scope = NewDisposeScope();
        var weight = Parameter(ones(2));
        var doubled = weight * 2;
        using var head = new Applied(mean => mean * doubled);
        using var streaming = new StreamingModule(head, new() { Tile = (6, 6) });
        var output = streaming.forward(rand(1, 2, 12, 13).requires_grad_());

        var failure = Assert.Throws<ExternalException>(() => output.sum().backward());

        Assert.Equal(
            "Layer 'Apply#3' (Apply) uses a tensor that requires a gradient and is neither its argument nor a parameter; "
                + "compute it within the function, of a parameter.",
            failure.Message);
    }

    [Fact]
    public void What_a_function_reaches_and_does_not_use_is_no_matter()
    {
        using var scope = NewDisposeScope();
        var (used, unused, parameter) = (2.0, rand(2).requires_grad_(), Parameter(ones(2)));
        Func<Tensor> other = () => unused * parameter;
        using var head = new Applied(mean => mean * used);
        using var streaming = new StreamingModule(head, new() { Tile = (6, 6) });
        var image = rand(1, 2, 12, 13).requires_grad_();

        streaming.forward(image).sum().backward();

        Assert.NotNull(image.grad);
        Assert.Null(parameter.grad);
        Assert.NotNull(other);
    }

    private static Tensor Statically(Tensor mean) => mean * Fixed;

    private sealed class Applied(Func<Tensor, Tensor> function) : StreamingHead(nameof(Applied))
    {
        public override GlobalTensor Trace(FeatureMap input) => input.Mean().Apply(function);
    }

    private sealed class Scaled : StreamingHead
    {
        private readonly string kind;
        private readonly Parameter scale = Parameter(tensor(new[] { 0.7f, -1.3f }));
        private readonly Linear linear = Linear(2, 2);

        public Scaled(string kind)
            : base(nameof(Scaled))
        {
            this.kind = kind;
            RegisterComponents();
        }

        public override GlobalTensor Trace(FeatureMap input)
        {
            var (mean, variable, module) = (input.Mean(), scale, linear);
            return kind switch
            {
                "field" => mean.Apply(small => small * scale),
                "variable" => mean.Apply(small => small * variable),
                "module" => mean.Apply(small => module.forward(small)),
                _ => GlobalTensor.Combine(parts => parts[0] * scale, [mean]),
            };
        }
    }
}
