using StreamingCnn.Graph;
using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// Sums the parameters' gradients over the tiles of one backward pass. They belong to the run alone: a parameter's own
/// <c>.grad</c> is autograd's, which may add to it in several threads at once.
/// </summary>
/// <remarks>Parameters of less than 32 bits are summed in float32, so that the number of tiles does not cost precision.</remarks>
/// <param name="profile">Where time is counted; null for nowhere.</param>
internal sealed class ParameterGradients(StepProfile? profile = null) : IGradientSink, IDisposable
{
    private readonly Dictionary<IntPtr, Tensor> sums = [];

    /// <inheritdoc/>
    public void Add(Parameter parameter, Tensor gradient)
    {
        using var time = profile.Measure(StepPart.Parameters);
        if (!sums.TryGetValue(parameter.Handle, out var sum))
        {
            using (TensorHeap.Lasting())
                sums.Add(parameter.Handle, gradient.to(SumType(gradient.dtype), copy: true).DetachFromDisposeScope());
        }
        else
        {
            sum.Accumulate(gradient);
        }

        gradient.Dispose();
    }

    /// <summary>Adds what was summed elsewhere, and takes it over: where nothing came before, it is the sum.</summary>
    public void AddSum(Parameter parameter, Tensor sum)
    {
        if (sum.dtype == SumType(sum.dtype) && sums.TryAdd(parameter.Handle, sum))
            sum.DetachFromDisposeScope();
        else
            Add(parameter, sum);
    }

    /// <summary>The sum for a parameter, in the parameter's type. The caller owns it.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="zeroIfMissing">What to give where no gradient came: zeros, or null.</param>
    public Tensor? Take(Parameter parameter, bool zeroIfMissing)
    {
        if (!sums.Remove(parameter.Handle, out var sum))
            return zeroIfMissing && parameter.requires_grad ? zeros_like(parameter).DetachFromDisposeScope() : null;
        // Sums have the format of what layers gave, parameters' gradients that of parameters.
        if (sum.dtype == parameter.dtype && sum.is_contiguous())
            return sum;
        // Beside the others: the room of one that is given up is that of the next.
        using (TensorHeap.Lasting())
        using (sum)
        using (var typed = sum.to(parameter.dtype))
            return typed.contiguous().DetachFromDisposeScope();
    }

    /// <summary>Frees the sums that nobody took.</summary>
    public void Dispose()
    {
        foreach (var sum in sums.Values)
            sum.Dispose();
        sums.Clear();
    }

    private static ScalarType SumType(ScalarType type) =>
        type is ScalarType.BFloat16 or ScalarType.Float16 ? ScalarType.Float32 : type;
}
