using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>The trunks that come with the library, by name.</summary>
public static class ModelCatalog
{
    private static readonly SortedDictionary<string, Func<int, Module<Tensor, Tensor>>> Factories = new(StringComparer.OrdinalIgnoreCase)
    {
        ["resnet18"] = channels => new ResNetTrunk(18, channels),
        ["resnet34"] = channels => new ResNetTrunk(34, channels),
        ["resnet50"] = channels => new ResNetTrunk(50, channels),
        ["resnet101"] = channels => new ResNetTrunk(101, channels),
        ["resnet152"] = channels => new ResNetTrunk(152, channels),
        ["resnet34-plain"] = channels => new ResNetTrunk(34, channels, batchNorm: false),
        ["convnext-tiny"] = channels => new ConvNeXtTrunk(ConvNeXtSize.Tiny, channels),
        ["convnext-small"] = channels => new ConvNeXtTrunk(ConvNeXtSize.Small, channels),
        ["comparison"] = PaperTrunks.NumericalComparison,
        ["imagenette"] = PaperTrunks.Imagenette,
        ["pathology-2048"] = channels => PaperTrunks.Pathology(2048, channels),
        ["pathology-4096"] = channels => PaperTrunks.Pathology(4096, channels),
        ["pathology-8192"] = channels => PaperTrunks.Pathology(8192, channels),
        ["small"] = PaperTrunks.Small,
    };

    /// <summary>The names, in alphabetical order.</summary>
    public static IReadOnlyCollection<string> Names => Factories.Keys;

    /// <summary>Makes a trunk with fresh weights.</summary>
    /// <param name="name">One of <see cref="Names"/>; upper and lower case are the same.</param>
    /// <param name="inputChannels">Channels of the image.</param>
    /// <exception cref="ArgumentException">There is no such model; the message lists those that there are.</exception>
    public static Module<Tensor, Tensor> Create(string name, int inputChannels = 3) => Factories.TryGetValue(name, out var make)
        ? make(inputChannels)
        : throw new ArgumentException($"There is no model '{name}'; choose one of {string.Join(", ", Names)}.");

    /// <summary>Channels of a chain of layers' output: those of its last convolution.</summary>
    /// <exception cref="InvalidOperationException">The trunk has no convolution.</exception>
    public static long OutputChannels(Module<Tensor, Tensor> trunk) => trunk is ResNetTrunk resnet
        ? resnet.OutputChannels
        : trunk.modules().OfType<Conv2d>().Last().out_channels;
}
