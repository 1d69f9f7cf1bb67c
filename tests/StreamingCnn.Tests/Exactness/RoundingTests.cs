using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>In float32 a streamed run rounds about as much as a run of the whole image: tiles sum in another order, that is all.</summary>
public class RoundingTests
{
    private const double Allowed = 1.5;

    [Fact]
    public void ResNet34_is_as_near_to_float64_as_the_whole_image_is()
    {
        var (output, gradients) = ((Whole: 0.0, Streamed: 0.0), (Whole: 0.0, Streamed: 0.0));
        // Several images, because gradients are not continuous: where a value before a ReLU is near 0, rounding may take it to the other side, in either run.
        for (var seed = 1; seed <= 4; seed++)
        {
            using var scope = NewDisposeScope();
            manual_seed(seed);
            using var trunk = new ResNetTrunk(34);
            trunk.eval();
            using var image = randn(1, 3, 283, 229);
            using var gradient = randn(1, 512, 9, 8);
            using var streaming = new StreamingModule(trunk, new() { Tile = (64, 64) });

            var whole = Run(trunk, image, gradient);
            var streamed = Run(streaming, image, gradient);
            trunk.to(ScalarType.Float64);
            var exact = Run(trunk, image.to(ScalarType.Float64), gradient.to(ScalarType.Float64));
            output = Larger(output, (Compare.RelativeError(whole[0], exact[0]), Compare.RelativeError(streamed[0], exact[0])));
            gradients = Larger(gradients, (Worst(whole, exact), Worst(streamed, exact)));
        }

        Assert.True(output.Streamed <= Allowed * output.Whole, $"Outputs: {output}");
        Assert.True(gradients.Streamed <= Allowed * gradients.Whole, $"Gradients: {gradients}");

        static (double Whole, double Streamed) Larger((double Whole, double Streamed) a, (double Whole, double Streamed) b) =>
            (Math.Max(a.Whole, b.Whole), Math.Max(a.Streamed, b.Streamed));
    }

    /// <summary>Output, gradients of all parameters, gradient of the image.</summary>
    private static Tensor[] Run(Module<Tensor, Tensor> module, Tensor image, Tensor gradient)
    {
        module.zero_grad();
        var leaf = image.clone().requires_grad_(true);
        var output = module.forward(leaf);
        output.backward([gradient]);
        return [output.detach(), .. module.parameters().Select(parameter => parameter.grad!.clone()), leaf.grad!];
    }

    private static double Worst(Tensor[] actual, Tensor[] exact) => actual.Zip(exact).Max(pair => Compare.RelativeError(pair.First, pair.Second));
}
