using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Layers;

/// <summary>
/// Activations that compute with numbers, which TorchSharp's modules would leave to the garbage collector while libtorch reads them
/// (<see cref="KeptScalars"/>). Most that are set to work in place compute the same out of place. Numbers are read at each call.
/// </summary>
internal static class NumberedActivations
{
    /// <summary>The value where it is above 0, else a slope times the value.</summary>
    public static Tensor Leaky(Tensor map, double slope)
    {
        using Scalar kept = slope;
        return map.leaky_relu(kept);
    }

    /// <summary>The value where it is above 0, else alpha (e^x - 1).</summary>
    public static Tensor Exponential(Tensor map, double alpha)
    {
        using Scalar kept = alpha, one = 1.0;
        return map.elu(kept, one, one);
    }

    /// <summary>The value where it is above 0, else alpha (e^(x / alpha) - 1).</summary>
    /// <param name="map">The values.</param>
    /// <param name="alpha">Alpha.</param>
    /// <param name="inplace">Whether its gradient is that of the operator in place, which in libtorch is another one by 1e-8.</param>
    public static Tensor ContinuouslyDifferentiable(Tensor map, double alpha, bool inplace)
    {
        using Scalar kept = alpha;
        return inplace ? map.clone().celu_(kept) : map.celu(kept);
    }

    /// <summary>The value where it is above a threshold, else another.</summary>
    public static Tensor Above(Tensor map, double threshold, double value)
    {
        using Scalar bound = threshold, other = value;
        return map.threshold(bound, other);
    }

    /// <summary>The value between two bounds, of a map that nobody else reads.</summary>
    public static Tensor Clipped(Tensor map, double least, double most)
    {
        using Scalar low = least, high = most;
        return map.hardtanh_(low, high);
    }

    /// <summary>x tanh(ln(1 + e^x)).</summary>
    public static Tensor Mish(Tensor map)
    {
        using var plus = ScriptedOperators.Softplus(map, 1, 20);
        using var tanh = plus.tanh();
        return map.mul(tanh);
    }

    /// <summary>x / (1 + |x|).</summary>
    public static Tensor Softsign(Tensor map)
    {
        using var size = map.abs();
        using var divisor = size.Plus(1);
        return map.div(divisor);
    }
}
