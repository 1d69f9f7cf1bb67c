using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Stages;

/// <summary>What the engine knows of a module that looks at the whole map: how it is made of reductions, small tensors and layers.</summary>
internal abstract class GlobalLayer
{
    /// <summary>Whether it gives a map, rather than a small tensor.</summary>
    public abstract bool GivesMap { get; }

    /// <summary>Why the module cannot be streamed as it is set, as the end of a sentence that begins with its name; null where it can.</summary>
    public virtual string? Refusal(Module module) => null;

    /// <summary>Describes the module's computation.</summary>
    /// <param name="module">The module.</param>
    /// <param name="input">The map that it is applied to.</param>
    /// <param name="path">The module's path.</param>
    public abstract NetworkValue Trace(Module<Tensor, Tensor> module, FeatureMap input, string path);
}
