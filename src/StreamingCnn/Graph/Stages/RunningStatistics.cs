using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Stages;

/// <summary>The running statistics of a norm that is trained: they follow those of the maps once in each forward pass.</summary>
internal static class RunningStatistics
{
    /// <summary>Lets them follow, when the forward pass is done.</summary>
    /// <param name="norm">The norm, which has running statistics.</param>
    /// <param name="moments">What the maps are normalised by; their means over the images are what is followed.</param>
    /// <param name="share">What share the new ones have; called once for each update.</param>
    /// <param name="builder">The network.</param>
    /// <param name="path">The norm's path.</param>
    public static void Follow(NormBase norm, MapMoments moments, Func<double> share, Tracing builder, string path) => builder.Small(
        new SmallFunction(parts => Batch(parts[0].detach(), parts[1].detach(), parts[2]))
        {
            Name = "RunningStatistics",
            IsPrecise = true,
            Effect = values => Take(norm, values, share()),
        },
        [moments.Mean, moments.Variance, moments.Count],
        path + ".running");

    /// <summary>Mean and unbiased variance of a batch, [2, C].</summary>
    private static Tensor Batch(Tensor mean, Tensor variance, Tensor count)
    {
        var taken = count.sum().Over(mean.shape[0]);
        return stack([mean.mean([0L]), variance.mean([0L]) * (taken / taken.Plus(-1L))]);
    }

    private static void Take(NormBase norm, Tensor values, double share)
    {
        using Scalar taken = share, kept = 1 - share;
        Take(norm.running_mean!, values[0]);
        Take(norm.running_var!, values[1]);

        void Take(Tensor running, Tensor value) => running.mul_(kept).add_(value.to(running.dtype), taken);
    }
}
