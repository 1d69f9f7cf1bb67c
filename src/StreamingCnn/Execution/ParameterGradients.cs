using StreamingCnn.Graph;
using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>
/// Sums the parameters' gradients over the tiles of one backward pass. Layers that compute their gradients themselves add them here; what
/// autograd computes lands in the parameters' <c>.grad</c>, which is set aside at the start, emptied into the sums, and put back at the end.
/// </summary>
/// <remarks>Parameters of less than 32 bits are summed in float32, so that the number of tiles does not cost precision.</remarks>
internal sealed class ParameterGradients : IGradientSink, IDisposable
{
    private readonly StepProfile? profile;
    private readonly Parameter[] parameters;
    private readonly Tensor?[] setAside;
    private readonly Dictionary<IntPtr, Tensor> sums = [];

    /// <param name="parameters">The parameters; those that do not learn are left out.</param>
    /// <param name="profile">Where time is counted; null for nowhere.</param>
    public ParameterGradients(IEnumerable<Parameter> parameters, StepProfile? profile = null)
    {
        this.profile = profile;
        this.parameters = [.. parameters.Where(parameter => parameter.requires_grad)];
        setAside = Array.ConvertAll(this.parameters, parameter =>
        {
            var before = parameter.grad?.DetachFromDisposeScope();
            parameter.grad = null;
            return before;
        });
    }

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

    /// <summary>Moves what autograd has left in the parameters into the sums.</summary>
    public void Collect() => Collect(parameters);

    /// <summary>Moves what autograd has left in a layer's parameters into the sums, so that it does not wait for the tile's end.</summary>
    public void Collect(IEnumerable<Parameter> layer)
    {
        foreach (var parameter in layer)
        {
            if (!parameter.requires_grad || parameter.grad is not { } gradient)
                continue;
            parameter.grad = null;
            Add(parameter, gradient);
        }
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
        using (sum)
            return sum.to(parameter.dtype).contiguous().DetachFromDisposeScope();
    }

    /// <summary>Puts back the gradients that the parameters had before.</summary>
    public void Dispose()
    {
        for (var i = 0; i < parameters.Length; i++)
        {
            parameters[i].grad = setAside[i];
            setAside[i]?.Dispose();
        }

        foreach (var sum in sums.Values)
            sum.Dispose();
        sums.Clear();
    }

    private static ScalarType SumType(ScalarType type) =>
        type is ScalarType.BFloat16 or ScalarType.Float16 ? ScalarType.Float32 : type;
}
