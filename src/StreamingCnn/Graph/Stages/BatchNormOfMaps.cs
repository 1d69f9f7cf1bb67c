using StreamingCnn.Reductions;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Graph.Stages;

/// <summary>BatchNorm2d with the statistics of the batch: in training mode, or where it keeps no running ones.</summary>
internal sealed class BatchNormOfMaps : GlobalLayer
{
    public static readonly BatchNormOfMaps Instance = new();

    /// <inheritdoc/>
    public override bool GivesMap => true;

    /// <summary>Whether the norm looks at the whole map.</summary>
    /// <param name="norm">The norm.</param>
    /// <param name="isFrozen">Whether running statistics are used in training mode as well.</param>
    public static bool IsGlobal(BatchNorm2d norm, bool isFrozen) =>
        norm.running_mean is null || norm.running_var is null || (norm.training && !isFrozen);

    /// <inheritdoc/>
    public override NetworkValue Trace(Module<Tensor, Tensor> module, FeatureMap input, string path)
    {
        var norm = (BatchNorm2d)module;
        if (input.Count != norm.num_features)
            throw new UnsupportedLayerException(path, nameof(BatchNorm2d), $"expects {norm.num_features} channels, but gets {input.Count}");
        var builder = input.Builder;
        var moments = builder.Reduce(new MomentsReduction(), [input], path);
        var (mean, squares, count) = (moments[0], moments[1], moments[2]);
        var centre = builder.Small(
            new SmallFunction(parts => parts[0].mean([0L], keepdim: true)) { Name = "Mean", IsPrecise = true }, [mean], path + ".mean");
        var variance = builder.Small(
            new SmallFunction(Variance) { Name = "Variance", IsPrecise = true, Effect = null }, [mean, squares, count], path + ".variance");
        var scale = builder.Small(
            new SmallFunction(parts => Scale(norm, parts[0]))
            {
                Name = "Scale",
                IsPrecise = true,
                Parameters = norm.weight is { } weight ? [weight] : [],
                Modules = [],
            },
            [variance],
            path + ".scale");
        var shift = norm.bias is { } bias
            ? builder.Small(
                new SmallFunction(_ => bias.unsqueeze(0)) { Name = "Shift", IsPrecise = true, Parameters = [bias] }, [], path + ".shift")
            : null;
        if (norm.training && norm.running_mean is not null)
        {
            builder.Small(
                new SmallFunction(parts => parts[0].alias()) { Name = "RunningMean", IsPrecise = true, Effect = value => Count(norm, value) },
                [centre],
                path + ".running_mean");
            builder.Small(
                new SmallFunction(parts => parts[0] * (parts[1].sum() / (parts[1].sum() - 1)))
                {
                    Name = "RunningVariance",
                    IsPrecise = true,
                    Effect = value => Follow(norm.running_var!, value, norm),
                },
                [variance, count],
                path + ".running_var");
        }

        return input.Affine(centre, scale, shift, path);
    }

    /// <summary>The biased variance over positions and images, by Chan's formula: every image has as many positions.</summary>
    private static Tensor Variance(IReadOnlyList<Tensor> parts)
    {
        var (mean, squares, count) = (parts[0], parts[1], parts[2]);
        var centred = mean - mean.mean([0L], keepdim: true);
        return (squares / count + (centred * centred)).mean([0L], keepdim: true);
    }

    private static Tensor Scale(BatchNorm2d norm, Tensor variance)
    {
        var inverse = (variance + norm.eps).rsqrt();
        return norm.weight is { } weight ? inverse * weight : inverse;
    }

    private static void Count(BatchNorm2d norm, Tensor mean)
    {
        norm.num_batches_tracked?.add_(1);
        Follow(norm.running_mean!, mean, norm);
    }

    /// <summary>Without a momentum the running statistics are the mean of all batches'.</summary>
    private static void Follow(Tensor running, Tensor value, BatchNorm2d norm)
    {
        var share = norm.momentum ?? 1.0 / norm.num_batches_tracked!.item<long>();
        running.mul_(1 - share).add_(value.squeeze(0).to(running.dtype), share);
    }
}
