using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Stages;

/// <summary>BatchNorm2d with the statistics of the batch: in training mode, or where it keeps no running ones.</summary>
internal sealed class BatchNormOfMaps : NormOfMaps
{
    /// <inheritdoc/>
    public override bool IsGlobal(Module module, LayerPlace place) => IsGlobal((BatchNorm2d)module, place.FrozenBatchNorm);

    /// <summary>Whether the norm looks at the whole map.</summary>
    /// <param name="norm">The norm.</param>
    /// <param name="isFrozen">Whether running statistics are used in training mode as well.</param>
    public static bool IsGlobal(BatchNorm2d norm, bool isFrozen) =>
        norm.running_mean is null || norm.running_var is null || (norm.training && !isFrozen);

    /// <inheritdoc/>
    public override string? Refusal(Module module) =>
        module is BatchNorm2d norm && (norm.running_mean is null) != (norm.running_var is null)
            ? "has only one of running_mean and running_var; set both, or neither"
            : null;

    /// <inheritdoc/>
    public override NetworkValue Trace(Module<Tensor, Tensor> module, FeatureMap input, string path)
    {
        var norm = (BatchNorm2d)module;
        Expect(input, norm.num_features, path, nameof(BatchNorm2d));
        // In evaluation images come as they like, and some processes may have none.
        var moments = MapMoments.OfBatch(input, norm.training, path, count => RefuseOne(count, path, nameof(BatchNorm2d)));
        if (norm is { training: true, track_running_stats: true, running_mean: not null })
            RunningStatistics.Follow(norm, moments, () => Count(norm), input.Builder, path);
        return Normalised(input, moments, new(nameof(BatchNorm2d), norm.eps, norm.weight, norm.bias), path);
    }

    /// <summary>Counts a batch. Without a momentum the running statistics are the mean of all batches'.</summary>
    private static double Count(BatchNorm2d norm)
    {
        norm.num_batches_tracked?.Accumulate(1);
        return norm.momentum ?? (norm.num_batches_tracked is { } batches ? 1 / batches.to(ScalarType.Float64).item<double>() : 0);
    }
}
