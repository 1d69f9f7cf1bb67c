using static TorchSharp.torch;

namespace StreamingCnn.Graph;

/// <summary>
/// One run's work with a layer: what is made for the run, or summed up over its rectangles, belongs to the run and not to the layer, which
/// other runs may use at the same time. A run is used by one thread at a time.
/// </summary>
internal abstract class LayerRun : IDisposable
{
    /// <inheritdoc cref="LocalLayer.Compute"/>
    public abstract Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch);

    /// <inheritdoc cref="LocalLayer.Run"/>
    public abstract (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted);

    /// <inheritdoc cref="LocalLayer.RecordAlone"/>
    public abstract LayerRecord RecordAlone(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted);

    /// <summary>Hands on gradients of parameters that the run has summed up over all rectangles of its backward pass.</summary>
    public virtual void Finish(IGradientSink parameters)
    {
    }

    /// <summary>Frees what was made for the run.</summary>
    public abstract void Dispose();
}

/// <summary>The run of a layer of which nothing lasts from one rectangle to the next.</summary>
internal sealed class PlainRun(LocalLayer layer) : LayerRun
{
    public override Tensor Compute(IReadOnlyList<Tensor> inputs, in Patch patch) => layer.Compute(inputs, patch);

    public override (Tensor Output, LayerRecord Record) Run(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        layer.Run(inputs, patch, wanted);

    public override LayerRecord RecordAlone(IReadOnlyList<Tensor> inputs, in Patch patch, IReadOnlyList<bool> wanted) =>
        layer.RecordAlone(inputs, patch, wanted);

    public override void Dispose()
    {
    }
}
