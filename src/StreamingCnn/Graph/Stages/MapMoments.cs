using StreamingCnn.Interop;
using StreamingCnn.Reductions;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Stages;

/// <summary>
/// Mean and variance of what a norm takes together: of all images, of a group of channels, or of each image and channel alone.
/// </summary>
/// <param name="Mean">The mean, [N or 1, C].</param>
/// <param name="Variance">The mean squared difference from it, of the same shape.</param>
/// <param name="Count">How many positions each image has, [N, 1], or all images have, [1, 1].</param>
internal sealed record MapMoments(GlobalTensor Mean, GlobalTensor Variance, GlobalTensor Count)
{
    /// <summary>The moments of a map.</summary>
    /// <param name="map">The map.</param>
    /// <param name="average">
    /// Of one value for each image and channel, [N, C], the mean of those that are taken together, [N or 1, C]. They have as many positions
    /// each.
    /// </param>
    /// <param name="path">The norm's path.</param>
    /// <param name="check">Told the number of positions of each image, [N, 1], when they have come.</param>
    public static MapMoments Of(FeatureMap map, Func<Tensor, Tensor> average, string path, Action<Tensor>? check = null)
    {
        var builder = map.Builder;
        var moments = builder.Reduce(new MomentsReduction(), [map], path);
        var mean = builder.Small(
            new SmallFunction(parts => average(parts[0])) { Name = "Mean", IsPrecise = true }, [moments[0]], path + ".mean");
        var variance = builder.Small(
            new SmallFunction(parts =>
            {
                check?.Invoke(parts[2]);
                return Merged(parts[0], parts[1] / parts[2], average);
            })
            {
                Name = "Variance",
                IsPrecise = true,
            },
            moments,
            path + ".variance");
        return new(mean, variance, moments[2]);
    }

    /// <summary>The moments of all images of a batch together, which may be of different sizes where processes have them.</summary>
    /// <param name="map">The map.</param>
    /// <param name="isOfAll">Whether other processes' images are in the batch, where they run some at the same time.</param>
    /// <param name="path">The norm's path.</param>
    /// <param name="check">Told the number of positions of all images, [1, 1], when they have come.</param>
    public static MapMoments OfBatch(FeatureMap map, bool isOfAll, string path, Action<Tensor> check)
    {
        var builder = map.Builder;
        var moments = builder.Reduce(new MomentsReduction(), [map], path);
        return new(
            Small("Mean", ".mean", parts => Average(parts[0], parts[2])),
            Small("Variance", ".variance", parts =>
            {
                check(Total(parts[2]));
                var between = parts[0] - Average(parts[0], parts[2]);
                return Average((parts[1] / parts[2]).PlusProduct(between, between), parts[2]);
            }),
            Small("Count", ".count", parts => Total(parts[2])));

        GlobalTensor Small(string name, string suffix, Func<IReadOnlyList<Tensor>, Tensor> function) => builder.Small(
            new SmallFunction(function) { Name = name, IsPrecise = true, ReadsAllImages = isOfAll }, moments, path + suffix);

        // Most often images have as many positions each, and shares are exact.
        static Tensor Average(Tensor values, Tensor count) => (values * (count / Total(count))).sum([0L], keepdim: true);

        static Tensor Total(Tensor count) => count.sum([0L], keepdim: true);
    }

    /// <summary>
    /// The variance of several parts of one size, by the formula of Chan, Golub and LeVeque: that within them, and that of their means.
    /// </summary>
    /// <param name="means">The parts' means.</param>
    /// <param name="variances">The parts' variances.</param>
    /// <param name="average">The mean of the parts that are taken together.</param>
    private static Tensor Merged(Tensor means, Tensor variances, Func<Tensor, Tensor> average)
    {
        var between = means - average(means);
        return average(variances.PlusProduct(between, between));
    }
}
