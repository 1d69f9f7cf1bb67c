using System.Collections.Concurrent;
using StreamingCnn.Graph;
using StreamingCnn.Graph.Stages;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn;

/// <summary>The layers that the engine can see into. Teach it your own with <see cref="Register{TModule}"/>.</summary>
public static class LayerRegistry
{
    private static readonly ConcurrentDictionary<Type, Func<Module<Tensor, Tensor>, LocalLayer>> Taught = new();

    /// <summary>Teaches the engine a module type. A later registration replaces an earlier one.</summary>
    /// <typeparam name="TModule">The exact type; a derived type needs a registration of its own.</typeparam>
    /// <param name="describe">
    /// Makes the engine's description of a module; called at every run, so that it sees the module's present settings.
    /// </param>
    /// <example>
    /// <code>
    /// LayerRegistry.Register&lt;MyActivation&gt;(activation => new PointwiseLayer(activation));
    /// </code>
    /// </example>
    public static void Register<TModule>(Func<TModule, LocalLayer> describe)
        where TModule : Module<Tensor, Tensor>
    {
        ArgumentNullException.ThrowIfNull(describe);
        Taught[typeof(TModule)] = module => describe((TModule)module);
    }

    /// <summary>Whether a user has taught the engine the module's very type, which may be one that it knew.</summary>
    internal static bool IsTaught(Module module) => Taught.ContainsKey(module.GetType());

    /// <summary>The description of a module, or why there is none.</summary>
    /// <param name="module">The module.</param>
    /// <param name="place">Where it stands; by default in no block.</param>
    internal static (LocalLayer? Layer, string? Refusal, bool IsUnknown) Describe(Module<Tensor, Tensor> module, LayerPlace place = default)
    {
        if (!Taught.TryGetValue(module.GetType(), out var taught))
            return LayerCatalog.Describe(module, place);
        return taught(module) is { } layer
            ? (layer, null, false)
            : (null, "has a registration in LayerRegistry that gives no layer; return one", false);
    }

    /// <summary>Whether a module gives its argument back as it is, in the mode that it is in.</summary>
    internal static bool IsIdentity(Module module) => !IsTaught(module) && LayerCatalog.IsIdentity(module);

    /// <summary>Whether a layer draws random numbers in the mode that it is in.</summary>
    internal static bool IsRandom(Module layer) => layer.training
        && (LayerCatalog.DrawsRandomNumbers(layer)
            || (layer is Module<Tensor, Tensor> module
                && Taught.TryGetValue(layer.GetType(), out var taught)
                && taught(module) is { IsRandom: true }));

    /// <inheritdoc cref="LayerCatalog.Global"/>
    internal static GlobalLayer? Global(Module module, LayerPlace place) => IsTaught(module) ? null : LayerCatalog.Global(module, place);

    /// <inheritdoc cref="LayerCatalog.GlobalRefusal"/>
    internal static string? GlobalRefusal(Module module) => LayerCatalog.GlobalRefusal(module);
}
