using StreamingCnn.Reductions;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Stages;

/// <summary>Adaptive average pooling of the whole map.</summary>
internal sealed class AveragePoolingOfMaps : GlobalLayer
{
    public static readonly AveragePoolingOfMaps Instance = new();

    /// <inheritdoc/>
    public override bool GivesMap => false;

    /// <inheritdoc/>
    public override NetworkValue Trace(Module<Tensor, Tensor> module, FeatureMap input, string path)
    {
        var sums = input.Builder.Reduce(new SumReduction(), [input], path);
        return input.Builder.Small(
            new SmallFunction(parts => (parts[0] / parts[1]).unsqueeze(2).unsqueeze(3)) { Name = "Mean", IsPrecise = true }, sums, path + ".mean");
    }
}
