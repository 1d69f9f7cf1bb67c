using StreamingCnn.Distributed;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Ranks;

/// <summary>
/// Running statistics of norms that are trained, when several ranks have each taken one image from the same start: they become what one
/// process has after these images in their order, to rounding.
/// </summary>
/// <remarks>
/// A running value follows by r = (1 - m) r + m s. Behind n images it is a^n r + sum over j of a^(n-1-j) (r_j - a r), with a = (1 -
/// m)^calls, r_j what the rank of image j has, and calls how often an image goes through the norm. Without a momentum it is the mean of
/// all: with c batches before, (c r + sum of (c_j r_j - c r)) / (c + sum of (c_j - c)).
/// </remarks>
internal sealed class StatisticsSum
{
    // Of a norm that has no momentum of its own and counts no batches.
    private const double UsualMomentum = 0.1;

    private readonly ICommunicator ranks;
    private readonly NormBase[] norms;
    private readonly NormBase[] synchronised;

    /// <param name="ranks">The ranks.</param>
    /// <param name="model">The model, in training mode.</param>
    /// <param name="syncsBatchNorm">Whether batch norms take the statistics of all ranks' images together.</param>
    public StatisticsSum(ICommunicator ranks, nn.Module model, bool syncsBatchNorm = false)
    {
        this.ranks = ranks;
        var following = model.modules().OfType<NormBase>()
            .Where(norm => ranks.Size > 1 && norm.training && norm.running_mean is not null && norm.running_var is not null)
            .ToLookup(norm => syncsBatchNorm && norm is BatchNorm2d);
        (norms, synchronised) = ([.. following[false]], [.. following[true]]);
    }

    /// <summary>Runs one image on each of the first ranks, and lets their statistics become those of all.</summary>
    /// <param name="images">How many ranks have an image.</param>
    /// <param name="step">Runs it, on ranks that have one.</param>
    public void Around(int images, Action step)
    {
        if (norms.Length == 0)
            step();
        else
            AroundEach(images, step);
        // Ranks that had an image have the same; those that had none get it.
        ModelState.OfFirst(
            ranks,
            synchronised.SelectMany(norm => new[] { norm.running_mean, norm.running_var, norm.num_batches_tracked }).OfType<Tensor>());
    }

    private void AroundEach(int images, Action step)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var before = Array.ConvertAll(norms, Values);
        var counts = Array.ConvertAll(norms, Count);
        using (enable_grad())
            step();
        using var pause = new CollectionPause();
        var parts = new List<Tensor>();
        for (var i = 0; i < norms.Length; i++)
            parts.Add(ranks.Rank < images ? Part(norms[i], before[i], counts[i], images) : zeros_like(before[i]));
        // How many batches each norm has seen on this rank.
        var seen = tensor(norms.Select((norm, i) => Count(norm) - counts[i]).ToArray(), device: CPU);
        var sum = cat([.. parts, seen]);
        ranks.Sum(sum);
        long start = 0;
        for (var i = 0; i < norms.Length; i++)
        {
            var batches = sum[sum.numel() - norms.Length + i].item<double>();
            Take(norms[i], before[i], sum.narrow(0, start, before[i].numel()), counts[i], batches, images);
            start += before[i].numel();
        }
    }

    /// <summary>Mean and variance, one behind the other, in float64.</summary>
    private static Tensor Values(NormBase norm) =>
        cat([norm.running_mean!.to(ScalarType.Float64), norm.running_var!.to(ScalarType.Float64)]).cpu();

    private static double Count(NormBase norm) => norm.num_batches_tracked is { } batches ? batches.item<long>() : 0;

    private static bool IsMeanOfAll(NormBase norm) => norm is BatchNorm2d && norm.momentum is null && norm.num_batches_tracked is not null;

    /// <summary>How an image's statistics replace what was there: what is left of that behind <paramref name="calls"/> calls.</summary>
    private static double Left(NormBase norm, double calls) =>
        Math.Pow(1 - (norm.momentum ?? (norm is BatchNorm2d ? 0 : UsualMomentum)), calls);

    /// <summary>What this rank's image adds.</summary>
    private Tensor Part(NormBase norm, Tensor before, double count, int images)
    {
        var after = Values(norm);
        if (IsMeanOfAll(norm))
            return (after * Count(norm)) - (before * count);
        var left = Left(norm, Calls(norm, Count(norm) - count));
        return (after - (before * left)) * Math.Pow(left, images - 1 - ranks.Rank);
    }

    private static void Take(NormBase norm, Tensor before, Tensor parts, double count, double batches, int images)
    {
        // Frozen: nothing has followed.
        if (norm is BatchNorm2d && norm.num_batches_tracked is not null && batches == 0)
            return;
        var after = IsMeanOfAll(norm)
            ? ((before * count) + parts) / (count + batches)
            : (before * Math.Pow(Left(norm, Calls(norm, batches / images)), images)) + parts;
        var channels = norm.running_mean!.numel();
        norm.running_mean.copy_(after.narrow(0, 0, channels));
        norm.running_var!.copy_(after.narrow(0, channels, channels));
        norm.num_batches_tracked?.fill_((long)(count + batches));
    }

    // Instance norms count nothing; they are taken to be called once.
    private static double Calls(NormBase norm, double counted) => norm is BatchNorm2d && norm.num_batches_tracked is not null ? counted : 1;
}
