using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

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

/// <summary>An activation as autograd records it, computed by a function in its module's place.</summary>
/// <param name="activation">The module.</param>
/// <param name="function">What it computes.</param>
/// <param name="kept">Maps that autograd keeps of it besides input and output.</param>
internal sealed class FunctionLayer<TModule>(TModule activation, Func<TModule, Tensor, Tensor> function, int kept)
    : ActivationLayer(activation, kept)
    where TModule : Module<Tensor, Tensor>
{
    // The module may be set to work in place.
    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => activation.call(inputs[0].clone());

    protected override Tensor Apply(Tensor input) => function(activation, input);
}

/// <summary>
/// An activation whose gradient follows from its input, by operators that TorchSharp does not give, or not with their numbers.
/// </summary>
/// <param name="activation">The module.</param>
/// <param name="function">What it computes.</param>
/// <param name="gradient">The gradient of its input, from that of its output and the input.</param>
internal sealed class ScriptedActivationLayer<TModule>(
    TModule activation, Func<TModule, Tensor, Tensor> function, Func<TModule, Tensor, Tensor, Tensor> gradient) : PointwiseLayer(activation)
    where TModule : Module<Tensor, Tensor>
{
    public override bool OutputIsFresh => true;

    // The module may be set to work in place.
    public override Tensor Whole(IReadOnlyList<Tensor> inputs) => activation.call(inputs[0].clone());

    internal override LayerMemory MemoryOf(in Patch patch) => new(KeepsInput: true, KeepsOutput: false) { GradientIsFresh = true };

    internal override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        (Apply(inputs[0]), new Record(this, inputs[0].alias().DetachFromDisposeScope()));

    protected override Tensor Apply(Tensor input) => function(activation, input);

    private Tensor Gradient(Tensor ofOutput, Tensor input) => gradient(activation, ofOutput, input);

    private sealed class Record(ScriptedActivationLayer<TModule> layer, Tensor input) : LayerRecord
    {
        public override IEnumerable<Tensor> Held => [input];

        public override IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters)
        {
            var ofInput = layer.Gradient(gradient, input);
            input.Dispose();
            return [new(ofInput, IsExclusive: true)];
        }

        public override void Dispose() => input.Dispose();
    }
}
