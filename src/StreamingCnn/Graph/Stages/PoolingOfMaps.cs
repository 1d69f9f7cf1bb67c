using StreamingCnn.Reductions;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Stages;

/// <summary>AdaptiveAvgPool2d and AdaptiveMaxPool2d: a few values of the whole map, [N, C, rows, columns].</summary>
internal sealed class PoolingOfMaps : GlobalLayer
{
    /// <inheritdoc/>
    public override bool GivesMap => false;

    /// <inheritdoc/>
    public override string Deed => "pools windows that depend on the size of the whole map";

    /// <inheritdoc/>
    public override string? Refusal(Module module) => OutputSize(module) is [> 0, > 0]
        ? null
        : $"has the output size [{string.Join(", ", OutputSize(module))}]; give it two whole numbers of at least 1";

    /// <inheritdoc/>
    public override NetworkValue Trace(Module<Tensor, Tensor> module, FeatureMap input, string path)
    {
        var size = OutputSize(module);
        var value = module is AdaptiveMaxPool2d ? BinValue.Max : BinValue.Average;
        if (value == BinValue.Max || size is not [1, 1])
            return input.Builder.Reduce(new BinsReduction(size[0], size[1], value), [input], path)[0];
        var sums = input.Builder.Reduce(new SumReduction(), [input], path);
        return input.Builder.Small(
            new SmallFunction(parts => (parts[0] / parts[1]).unsqueeze(2).unsqueeze(3)) { Name = "Mean", IsPrecise = true },
            sums,
            path + ".mean");
    }

    private static long[] OutputSize(Module module) =>
        module is AdaptiveMaxPool2d largest ? largest.output_size : ((AdaptiveAvgPool2d)module).output_size;
}
