using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Stages;

/// <summary>
/// What the engine knows of a module that looks at the whole map: how it is made of reductions, small tensors and layers.
/// </summary>
internal abstract class GlobalLayer
{
    /// <summary>Whether it gives a map, rather than a small tensor.</summary>
    public abstract bool GivesMap { get; }

    /// <summary>What it does, as the end of a sentence that begins with the module's name.</summary>
    public abstract string Deed { get; }

    /// <summary>Whether a module looks at the whole map where it stands and as it is set; otherwise it is a local layer.</summary>
    public virtual bool IsGlobal(Module module, LayerPlace place) => true;

    /// <summary>
    /// Why the module cannot be streamed as it is set, as the end of a sentence that begins with its name; null where it can.
    /// </summary>
    public virtual string? Refusal(Module module) => null;

    /// <summary>Describes the module's computation.</summary>
    /// <param name="module">The module.</param>
    /// <param name="input">The map that it is applied to.</param>
    /// <param name="path">The module's path.</param>
    /// <exception cref="UnsupportedLayerException">The module cannot be applied to the map.</exception>
    public abstract NetworkValue Trace(Module<Tensor, Tensor> module, FeatureMap input, string path);
}
