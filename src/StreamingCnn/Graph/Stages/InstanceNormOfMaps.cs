using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Stages;

/// <summary>
/// InstanceNorm2d with the statistics of each image: in training mode, and also in evaluation mode where it keeps no running ones.
/// </summary>
internal sealed class InstanceNormOfMaps : NormOfMaps
{
    // What TorchSharp takes where none is set.
    private const double UsualMomentum = 0.1;

    /// <inheritdoc/>
    public override bool IsGlobal(Module module, LayerPlace place) =>
        module is InstanceNorm2d norm && (norm.training || !norm.track_running_stats);

    /// <inheritdoc/>
    public override NetworkValue Trace(Module<Tensor, Tensor> module, FeatureMap input, string path)
    {
        var norm = (InstanceNorm2d)module;
        Expect(input, norm.num_features, path, nameof(InstanceNorm2d));
        var moments = MapMoments.Of(input, OfEachChannel, path, count => RefuseOne(count[0], path, nameof(InstanceNorm2d)));
        // It counts no batches, and so has no mean of all of them.
        if (norm is { running_mean: not null, running_var: not null })
            RunningStatistics.Follow(norm, moments, () => norm.momentum ?? UsualMomentum, input.Builder, path);
        return Normalised(input, moments, new(nameof(InstanceNorm2d), norm.eps, norm.weight, norm.bias), path);
    }
}
