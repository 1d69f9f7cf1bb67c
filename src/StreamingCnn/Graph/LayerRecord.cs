using static TorchSharp.torch;

namespace StreamingCnn.Graph;

/// <summary>What one layer's backward pass over one rectangle needs. Owns its tensors; used once.</summary>
internal abstract class LayerRecord : IDisposable
{
    /// <summary>
    /// The tensors that the record refers to, by handles of its own; <see cref="LayerMemory"/> says which they are. What autograd
    /// saves besides does not show.
    /// </summary>
    public abstract IEnumerable<Tensor> Held { get; }

    /// <summary>Backpropagates through the layer.</summary>
    /// <param name="gradient">Gradient of the output rectangle. The record may not change it.</param>
    /// <param name="parameters">Receives the gradients of the layer's parameters.</param>
    /// <returns>For each operand the gradient of its rectangle, or null where none is wanted. The caller owns them.</returns>
    public abstract IReadOnlyList<LayerGradient?> Backward(Tensor gradient, IGradientSink parameters);

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>The gradient of an operand's rectangle.</summary>
/// <param name="Tensor">The gradient.</param>
/// <param name="IsExclusive">Whether nothing else refers to its memory, so that the receiver may add to it.</param>
internal readonly record struct LayerGradient(Tensor Tensor, bool IsExclusive);

/// <summary>Receives gradients of parameters.</summary>
internal interface IGradientSink
{
    /// <summary>Adds <paramref name="gradient"/>, of the parameter's shape, to what has come so far, and disposes it.</summary>
    void Add(TorchSharp.Modules.Parameter parameter, Tensor gradient);
}
