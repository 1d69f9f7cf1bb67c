using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Stages;

/// <summary>TorchSharp's norms, in every setting that changes what they compute.</summary>
internal static class NormKinds
{
    public static readonly Dictionary<string, Func<long, (long Height, long Width), Module<Tensor, Tensor>>> All = new()
    {
        ["batch"] = (c, _) => BatchNorm2d(c),
        ["batch without affine"] = (c, _) => BatchNorm2d(c, affine: false, eps: 1e-3),
        ["batch, mean of all"] = (c, _) => Set(BatchNorm2d(c), norm => norm.momentum = null),
        ["batch without statistics"] = (c, _) => BatchNorm2d(c, track_running_stats: false),
        ["batch without statistics, evaluated"] = (c, _) => Set(BatchNorm2d(c, track_running_stats: false), norm => norm.eval()),
        ["batch, evaluated"] = (c, _) => Evaluated(BatchNorm2d(c)),
        ["group"] = (c, _) => Group(3, c),
        ["group of all"] = (c, _) => Group(1, c, eps: 1e-2),
        ["group of each, without affine"] = (c, _) => Set(GroupNorm(c, c, affine: false), norm => norm.eval()),
        ["instance"] = (c, _) => InstanceNorm2d(c),
        ["instance, affine, evaluated"] = (c, _) => Set(InstanceNorm2d(c, affine: true), norm => norm.eval()),
        ["instance, tracked"] = (c, _) => InstanceNorm2d(c, affine: true, track_running_stats: true, momentum: 0.3),
        ["instance, tracked, evaluated"] = (c, _) => Evaluated(InstanceNorm2d(c, affine: true, track_running_stats: true)),
        ["layer"] = (c, size) => LayerNorm([c, size.Height, size.Width], elementwise_affine: false),
        ["layer of positions"] = (_, size) => LayerNorm([size.Height, size.Width], elementwise_affine: false),
    };

    /// <summary>The same norm in evaluation mode, with statistics that are not those of the start.</summary>
    public static T Evaluated<T>(T norm)
        where T : NormBase
    {
        using var quiet = no_grad();
        norm.running_mean!.uniform_(-1, 1);
        norm.running_var!.uniform_(0.5, 2);
        norm.eval();
        return norm;
    }

    /// <summary>TorchSharp leaves a group norm's weight and bias as memory happens to be.</summary>
    private static GroupNorm Group(long groups, long channels, double eps = 1e-5)
    {
        var norm = GroupNorm(groups, channels, eps);
        init.ones_(norm.weight);
        init.zeros_(norm.bias);
        return norm;
    }

    private static T Set<T>(T norm, Action<T> set)
    {
        set(norm);
        return norm;
    }
}
