using StreamingCnn.Interop;
using StreamingCnn.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Exactness;

/// <summary>
/// In float32 a streamed run rounds about as much as a run of the whole image whose maps lie in memory in the same order: tiles sum in
/// another order, that is all.
/// </summary>
public class RoundingTests
{
    private const double Allowed = 1.5;

    [Fact]
    public void The_outputs_of_ResNet34_are_as_near_to_float64_as_those_of_the_whole_image()
    {
        using var trunk = new ResNetTrunk(34);
        using var grad = no_grad();
        AssertAsNear(trunk, (219, 165), (module, image) => [module.forward(image)]);
    }

    /// <summary>
    /// Of a network without kinks. Where a value before a ReLU is near 0, rounding takes it to the other side in one run or the other, on
    /// each processor at other places, and all gradients before it change by a hundred times as much as they are rounded: that would be a
    /// comparison of luck.
    /// </summary>
    [Fact]
    public void The_gradients_of_ConvNeXt_are_as_near_to_float64_as_those_of_the_whole_image()
    {
        using var trunk = new ConvNeXtTrunk(ConvNeXtSize.Tiny, stochasticDepth: 0);
        AssertAsNear(trunk, (131, 165), (module, image) =>
        {
            module.zero_grad();
            var leaf = image.clone().requires_grad_(true);
            var output = module.forward(leaf);
            output.sin().sum().backward();
            return [output.detach(), leaf.grad!, .. module.parameters().Select(parameter => parameter.grad!.clone())];
        });
    }

    private static void AssertAsNear(
        Module<Tensor, Tensor> trunk, (long Height, long Width) size, Func<Module<Tensor, Tensor>, Tensor, Tensor[]> run)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        trunk.eval();
        using var streaming = new StreamingModule(trunk, new() { Tile = (64, 64) });
        var image = MapFormats.FasterFor(ScalarType.Float32, CPU).Copy(randn(1, 3, size.Height, size.Width));

        var (whole, streamed) = (run(trunk, image), run(streaming, image));
        trunk.to(ScalarType.Float64);
        var exact = run(trunk, image.to(ScalarType.Float64));

        var errors = (Whole: Error(whole, exact), Streamed: Error(streamed, exact));
        TestContext.Current.SendDiagnosticMessage($"{trunk.GetName()}: {errors}");
        Assert.True(errors.Streamed <= Allowed * errors.Whole, $"{errors}");
    }

    /// <summary>Of each tensor the norm of the difference over that of the reference; the root of the mean of their squares.</summary>
    private static double Error(Tensor[] actual, Tensor[] exact) =>
        Math.Sqrt(
            actual.Zip(exact).Average(
                pair => Math.Pow(((pair.First.to(ScalarType.Float64) - pair.Second).norm() / pair.Second.norm()).item<double>(), 2)));
}
