using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph;

/// <summary>What the modules of a trunk are called in messages: by their paths, as their parameters are.</summary>
internal sealed class ModulePaths
{
    private readonly Dictionary<Module, string> paths = new(ReferenceEqualityComparer.Instance);
    private readonly Module trunk;

    /// <param name="trunk">The trunk.</param>
    public ModulePaths(Module trunk)
    {
        this.trunk = trunk;
        foreach (var (path, module) in trunk.named_modules())
            paths.TryAdd(module, path);
    }

    /// <summary>A module's path; its type where the trunk does not know it.</summary>
    public string Of(Module module) => paths.GetValueOrDefault(module, module.GetType().Name);

    /// <summary>Refuses hooks of a module.</summary>
    /// <exception cref="UnsupportedLayerException">It has one.</exception>
    public void RefuseHooks(Module module) => ForwardHooks.Refuse([(module == trunk ? "" : Of(module), module)]);

    /// <summary>Refuses hooks of all modules within one.</summary>
    /// <exception cref="UnsupportedLayerException">One of them has one.</exception>
    public void RefuseHooksInside(Module module) => ForwardHooks.Refuse(
        module.named_modules().Select(inner => (paths.GetValueOrDefault(inner.module, $"{Of(module)}.{inner.name}"), inner.module)));
}
