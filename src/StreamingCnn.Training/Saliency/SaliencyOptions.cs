using StreamingCnn.Training.Heads;

namespace StreamingCnn.Training.Saliency;

/// <summary>How a map of what matters in an image is made.</summary>
public enum SaliencyMethod
{
    /// <summary>
    /// The gradient of the score with respect to every pixel of the network's input, exact (Simonyan, Vedaldi and Zisserman, arXiv
    /// 1312.6034).
    /// </summary>
    Gradient,

    /// <summary>The mean of the gradients of noisy copies of the image (Smilkov et al., "SmoothGrad", arXiv 1706.03825).</summary>
    SmoothGrad,

    /// <summary>
    /// Where the trunk's map speaks for the score: the channels of the map weighted as the head's linear layer weights them (Zhou et al.,
    /// "Learning deep features for discriminative localization", CVPR 2016), for all poolings that make a number of each channel by itself.
    /// A head with attention has no such weights; its channels are weighted by the mean gradient of the score instead (Selvaraju et al.,
    /// "Grad-CAM", ICCV 2017). The map is enlarged to the image bilinearly.
    /// </summary>
    ClassActivation,

    /// <summary>
    /// Where a head with attention looks: the softmax over all positions of its scores, times their number, so that 1 is what each would
    /// get if all got the same. It is the same for all outputs, and enlarged to the image bilinearly.
    /// </summary>
    Attention,
}

/// <summary>Settings of a <see cref="SaliencyMap"/>.</summary>
public sealed record SaliencyOptions
{
    /// <summary>How the map is made.</summary>
    /// <value>The default value is <see cref="SaliencyMethod.Gradient"/>.</value>
    public SaliencyMethod Method { get; init; }

    /// <summary>
    /// The output whose score is explained, from 0: the logit of a class or label, or the predicted number, before any softmax or sigmoid.
    /// </summary>
    /// <value>The default value is null: the output with the largest score.</value>
    public int? Target { get; init; }

    /// <summary>Standard deviation of the Gaussian that blurs the map, in pixels of the map; 0 for none.</summary>
    /// <value>
    /// The default value is null: 50 for each 8192 pixels of the longer side, as in the paper (arXiv 1911.04432), whose images of 8192,
    /// 4096 and 2048 pixels had 50, 25 and 12.5.
    /// </value>
    public double? Blur { get; init; }

    /// <summary>Percentile of the blurred map above which values are clipped, above 0 to 100.</summary>
    /// <value>The default value is 99, as in the paper; 100 clips nothing.</value>
    public double Percentile { get; init; } = 99;

    /// <summary>Noisy copies of <see cref="SaliencyMethod.SmoothGrad"/>, at least 1.</summary>
    /// <value>The default value is 25.</value>
    public int Passes { get; init; } = 25;

    /// <summary>
    /// Standard deviation of the noise of <see cref="SaliencyMethod.SmoothGrad"/>, as a share of the range of the image's values.
    /// </summary>
    /// <value>The default value is 0.15.</value>
    public double Noise { get; init; } = 0.15;

    /// <summary>Seed of the noise.</summary>
    /// <value>The default value is 1.</value>
    public long Seed { get; init; } = 1;

    /// <summary>Folder for the temporary files, which take 4 bytes for each pixel and channel, and 4 more for each pixel.</summary>
    /// <value>The default value is null: the system's.</value>
    public string? TemporaryFolder { get; init; }

    /// <summary>Told how far the map is; null for nobody.</summary>
    /// <value>The default value is null.</value>
    public IProgress<SaliencyProgress>? Progress { get; init; }

    /// <exception cref="ArgumentException">A setting is out of its range; all such settings are named.</exception>
    internal void Validate(PoolingHead head)
    {
        var (problems, outputs) = (new List<string>(), head.Outputs);
        if (Method == SaliencyMethod.Attention && head.Pooling != HeadPooling.Attention)
            problems.Add($"{nameof(Method)} is {Method}, but the model's head pools by {head.Pooling} and has no attention");
        if (Target is { } target && (target < 0 || target >= outputs))
            problems.Add($"{nameof(Target)} is {target}, but the model's outputs are numbered from 0 to {outputs - 1}");
        if (Blur is { } blur && !(blur >= 0 && double.IsFinite(blur)))
            problems.Add($"{nameof(Blur)} is {blur}, but must be 0 or more pixels");
        if (!(Percentile is > 0 and <= 100))
            problems.Add($"{nameof(Percentile)} is {Percentile}, but must lie above 0 and not above 100");
        if (Passes < 1)
            problems.Add($"{nameof(Passes)} is {Passes}, but must be at least 1");
        if (!(Noise >= 0 && double.IsFinite(Noise)))
            problems.Add($"{nameof(Noise)} is {Noise}, but must be 0 or more");
        if (problems.Count > 0)
            throw new ArgumentException($"The saliency options cannot be used: {string.Join("; ", problems)}.");
    }
}

/// <summary>How far a map is.</summary>
/// <param name="Step">What is being done, for a person.</param>
/// <param name="Share">How much of all was done when the step began, 0 to 1.</param>
/// <param name="Size">How much of all the step is.</param>
public readonly record struct SaliencyProgress(string Step, double Share, double Size);
