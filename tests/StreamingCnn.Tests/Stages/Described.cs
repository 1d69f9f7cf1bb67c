using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>A block that is described where it is used.</summary>
internal sealed class Described : StreamingBlock
{
    private readonly Func<FeatureMap, FeatureMap> trace;

    /// <param name="trace">Its computation.</param>
    /// <param name="modules">The modules that it uses.</param>
    public Described(Func<FeatureMap, FeatureMap> trace, params Module[] modules)
        : base(nameof(Described))
    {
        this.trace = trace;
        foreach (var (index, module) in modules.Index())
            register_module($"part{index}", module);
    }

    public override FeatureMap Trace(FeatureMap input) => trace(input);
}
