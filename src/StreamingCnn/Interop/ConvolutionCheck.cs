using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Interop;

/// <summary>
/// Whether libtorch's float32 convolutions on the CPU, of maps in either format, are right on this processor. Where the processor does not
/// tell the sizes of its caches, and <see cref="HiddenCaches"/> could not mend that, they are not, by as much as the values themselves,
/// where channels do not fill whole blocks: oneDNN loses a part of the weights that it pads. float64 is right everywhere.
/// </summary>
internal static class ConvolutionCheck
{
    // Rounding makes about 1e-6 of the largest value, the fault 1e-2 to 1.
    private const double Tolerance = 1e-4;

    // What fails where anything does: forwards; in the gradient of the operand; there with a stride; with few channels; of one position.
    private static readonly (long Inputs, long Outputs, long Side, long Kernel, long Stride)[] Cases =
        [(24, 24, 33, 3, 1), (24, 24, 64, 3, 1), (20, 20, 33, 3, 1), (80, 16, 33, 3, 2), (3, 12, 33, 5, 1), (240, 40, 14, 1, 1)];

    private static readonly Lazy<bool> Right = new(
        () => Enum.GetValues<MapFormat>().All(format => Cases.All(@case => IsRightFor(@case, format))));

    /// <summary>Whether they are; found out once in a process, which takes some hundredths of a second.</summary>
    public static bool IsRight => Right.Value;

    private static bool IsRightFor((long Inputs, long Outputs, long Side, long Kernel, long Stride) @case, MapFormat format)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        // A generator of its own: whoever seeds the library's shall get the numbers that the seed promises.
        using var generator = new Generator(1);
        var (inputs, outputs, side, kernel, stride) = @case;
        var map = format.Copy(randn([1, inputs, side, side], device: CPU, generator: generator));
        var weight = randn([outputs, inputs, kernel, kernel], device: CPU, generator: generator);
        long[] steps = [stride, stride], padding = [kernel / 2, kernel / 2];
        var output = Forward(map, weight);
        var exact = Forward(map.to(ScalarType.Float64), weight.to(ScalarType.Float64));
        var gradient = format.Copy(randn(output.shape, device: CPU, generator: generator));
        return AreClose(output, exact)
            && AreClose(
                Backward(gradient, map, weight),
                Backward(gradient.to(ScalarType.Float64), map.to(ScalarType.Float64), weight.to(ScalarType.Float64)));

        Tensor Forward(Tensor map, Tensor weight) => nn.functional.conv2d(map, weight, null, steps, padding);

        Tensor Backward(Tensor gradient, Tensor map, Tensor weight) => ScriptedOperators.ConvolutionBackward(
            gradient, map, weight, new(new(stride, stride), new(kernel / 2, kernel / 2), new(1, 1), 1), (true, false, false)).Input!;
    }

    private static bool AreClose(Tensor found, Tensor exact) =>
        (found.to(ScalarType.Float64) - exact).abs().max().item<double>() <= Tolerance * exact.abs().max().item<double>();
}
