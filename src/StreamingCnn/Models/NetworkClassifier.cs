using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// A trunk with the classifier that it is published with: global pooling, and linear layers. Its parameters have the names of the whole
/// published network (<c>features.0.0.weight</c>, <c>classifier.1.bias</c>), so that its checkpoints load. A <see cref="StreamingModule"/>
/// of it gives [N, classes], and the trunk's output map never exists whole.
/// </summary>
public sealed class NetworkClassifier : StreamingHead
{
    // Not a component of its own, lest its name stand before all others: its children are.
    private readonly Module<Tensor, Tensor> trunk;
    private readonly Module<Tensor, Tensor>[] head;

    /// <summary>Puts a classifier with fresh weights behind a trunk.</summary>
    /// <param name="trunk">
    /// A trunk of <see cref="ModelCatalog"/>, which belongs to the classifier from now on. Trunks that are published without a classifier
    /// get average pooling and a linear layer, <c>fc</c>.
    /// </param>
    /// <param name="classes">Number of scores.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number of classes is below 1.</exception>
    public NetworkClassifier(Module<Tensor, Tensor> trunk, int classes)
        : base(nameof(NetworkClassifier))
    {
        ArgumentNullException.ThrowIfNull(trunk);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        this.trunk = trunk;
        var behind = (trunk as IClassifiedTrunk)?.Head(classes) ?? Linear(ModelCatalog.OutputChannels(trunk), classes);
        foreach (var (name, child) in trunk.named_children())
            register_module(name, child);
        var parts = new List<Module<Tensor, Tensor>>();
        foreach (var (name, part) in behind)
        {
            register_module(name, part);
            parts.Add(part);
        }

        head = [.. parts];
    }

    /// <summary>
    /// What the linear layer behind a trunk is called where the classifier that it is published with is that and an average, such as
    /// <c>fc</c> or <c>classifier.1</c>; null where more of it has parameters.
    /// </summary>
    /// <param name="trunk">The trunk.</param>
    public static string? LinearName(Module<Tensor, Tensor> trunk)
    {
        ArgumentNullException.ThrowIfNull(trunk);
        var behind = ((trunk as IClassifiedTrunk)?.Head(1) ?? Linear(ModelCatalog.OutputChannels(trunk), 1)).ToArray();
        var names = behind.SelectMany(part => part.Module.named_parameters().Select(entry => $"{part.Name}.{entry.name}"))
            .Select(name => name[..name.LastIndexOf('.')]).Distinct().ToArray();
        foreach (var (_, module) in behind)
            module.Dispose();
        return names is [var only] ? only : null;
    }

    /// <inheritdoc/>
    public override GlobalTensor Trace(FeatureMap input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return head[1..].Aggregate(input.Through(trunk).Pooled(head[0]), (value, part) => value.Through(part));
    }

    /// <summary>Average pooling and a linear layer <c>fc</c>, as residual networks have them.</summary>
    internal static IEnumerable<(string Name, Module<Tensor, Tensor> Module)> Linear(long channels, long classes, double? deviation = null)
    {
        var fc = nn.Linear(channels, classes);
        if (deviation is { } wanted)
            Normal(fc, wanted);
        return [("avgpool", AdaptiveAvgPool2d(1)), ("flatten", Flatten()), ("fc", fc)];
    }

    /// <summary>Draws a linear layer's weights from a normal distribution; its bias, where it has one, is 0.</summary>
    internal static Linear Normal(Linear layer, double deviation)
    {
        init.normal_(layer.weight, 0, deviation);
        if (layer.bias is { } bias)
            init.zeros_(bias);
        return layer;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            trunk.Dispose();
        base.Dispose(disposing);
    }
}
