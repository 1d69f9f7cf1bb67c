using StreamingCnn.Interop;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Probing;

/// <summary>Whether two tensors that ought to be the same differ by more than an order of additions makes them.</summary>
internal static class Rounding
{
    /// <summary>Agreement of a map's values, channel by channel: a channel of large values must not hide one of small ones.</summary>
    /// <param name="found">[N, C, h, w].</param>
    /// <param name="expected">The same.</param>
    /// <param name="scale">The size of values that the difference is measured by, as <see cref="Scale"/> gives it.</param>
    public static bool Agrees(Tensor found, Tensor expected, Tensor scale) =>
        !Differs(found, expected, scale, Tolerance(expected.dtype)).any().item<bool>();

    /// <summary>Where values differ at all, but for the last digits of a computation that is the same.</summary>
    public static Tensor Differs(Tensor found, Tensor expected) =>
        Differs(found, expected, Scale(expected), Tolerance(expected.dtype) / 100);

    /// <summary>The largest finite size of each channel's values.</summary>
    public static Tensor Scale(Tensor map) => Wide(map).nan_to_num(0, 0, 0).abs().amax([0, 2, 3], keepdim: true);

    /// <summary>
    /// Agreement of gradients, by the norm of the difference: single entries jump where rounding takes a value over a kink.
    /// </summary>
    /// <param name="found">A gradient; null for none.</param>
    /// <param name="expected">The same.</param>
    /// <param name="atLeast">A norm below which differences do not count.</param>
    public static bool GradientsAgree(Tensor? found, Tensor? expected, double atLeast)
    {
        if (found is null || expected is null)
            return Norm(found ?? expected) <= atLeast;
        return Norm(Wide(found) - Wide(expected)) <= Math.Max(atLeast, Norm(expected) * GradientTolerance(expected.dtype));
    }

    /// <summary>The norm below which a difference is rounding, beside other gradients of this norm.</summary>
    public static double Negligible(ScalarType type, double norm) => norm * GradientTolerance(type) / 100;

    public static double Norm(Tensor? tensor) =>
        tensor is null ? 0 : Wide(tensor).Squared().sum().sqrt().to(ScalarType.Float64).item<double>();

    private static Tensor Differs(Tensor found, Tensor expected, Tensor scale, double tolerance)
    {
        var (a, b) = (Wide(found), Wide(expected));
        return ((a - b).abs().le(scale.Times(tolerance)) | a.eq(b) | (a.isnan() & b.isnan())).logical_not();
    }

    private static Tensor Wide(Tensor tensor) => tensor.dtype is ScalarType.Float64 or ScalarType.Float32 ? tensor
        : tensor.to(tensor.is_floating_point() ? ScalarType.Float32 : ScalarType.Float64);

    // Of a channel's largest value. What tells a right window from a wrong one is that the error of the wrong one does not shrink with
    // the type's.
    private static double Tolerance(ScalarType type) => type switch
    {
        ScalarType.Float32 => 1e-4,
        ScalarType.Float16 => 2e-2,
        ScalarType.BFloat16 => 1e-1,
        _ => 1e-11,
    };

    private static double GradientTolerance(ScalarType type) => type switch
    {
        ScalarType.Float32 => 1e-2,
        ScalarType.Float16 or ScalarType.BFloat16 => 3e-1,
        _ => 1e-9,
    };
}
