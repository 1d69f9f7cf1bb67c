using StreamingCnn.Graph;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Execution.Split;

/// <summary>
/// Takes gradients that every process has, of which another one's count: zeros stand for them, so that all have gradients of the same
/// parameters.
/// </summary>
/// <param name="sums">Where gradients add up.</param>
internal sealed class CountedElsewhere(IGradientSink sums) : IGradientSink
{
    /// <inheritdoc/>
    public void Add(Parameter parameter, Tensor gradient)
    {
        using (gradient)
            sums.Add(parameter, zeros_like(gradient));
    }
}
