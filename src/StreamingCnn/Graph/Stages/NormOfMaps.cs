using StreamingCnn.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace StreamingCnn.Graph.Stages;

/// <summary>A norm with the mean and the variance of whole maps.</summary>
internal abstract class NormOfMaps : GlobalLayer
{
    /// <inheritdoc/>
    public sealed override bool GivesMap => true;

    /// <inheritdoc/>
    public sealed override string Deed => "normalises over the whole map";

    /// <summary>Takes each image and channel for itself.</summary>
    protected static Tensor OfEachChannel(Tensor values) => values.alias();

    /// <summary>Takes channels together in groups, of each image for itself.</summary>
    /// <param name="groups">How many groups.</param>
    protected static Func<Tensor, Tensor> OfGroups(long groups) => values =>
    {
        var (images, channels) = (values.shape[0], values.shape[1]);
        var means = values.reshape(images, groups, -1).mean([2L], keepdim: true);
        return means.expand(images, groups, channels / groups).reshape(images, channels);
    };

    /// <exception cref="UnsupportedLayerException">The map has another number of channels.</exception>
    protected static void Expect(FeatureMap input, long channels, string path, string name)
    {
        if (input.Builder.IsOpen)
            OpenChannels.Fix(input.Count, channels);
        if (input.Count != channels)
            throw new UnsupportedLayerException(path, name, $"expects {channels} channels, but gets {input.Count}");
    }

    /// <exception cref="UnsupportedLayerException">There is one value, which has no deviation.</exception>
    protected static void RefuseOne(Tensor count, string path, string name)
    {
        if (count.item<double>() == 1)
        {
            throw new UnsupportedLayerException(
                path,
                name,
                "expects more than 1 value per channel to take statistics of, but gets 1; use a larger image, or running statistics");
        }
    }

    /// <summary>The map less its mean, over the root of its variance, times the weight, plus the bias.</summary>
    /// <param name="input">The map.</param>
    /// <param name="moments">What it is normalised by.</param>
    /// <param name="settings">The norm's own.</param>
    /// <param name="path">The norm's path.</param>
    protected static FeatureMap Normalised(FeatureMap input, MapMoments moments, NormSettings settings, string path)
    {
        var builder = input.Builder;
        var (weight, bias) = (settings.Weight, settings.Bias);
        var scale = builder.Small(
            new SmallFunction(
                parts => parts[0].Plus(settings.Eps).rsqrt() is var inverse && weight is not null ? inverse * weight : inverse)
            {
                Name = "Scale",
                IsPrecise = true,
                Parameters = weight is null ? [] : [weight],
            },
            [moments.Variance],
            path + ".scale");
        var shift = bias is null
            ? null
            : builder.Small(
                new SmallFunction(_ => bias.unsqueeze(0)) { Name = "Shift", IsPrecise = true, Parameters = [bias] }, [], path + ".shift");
        return input.Affine(moments.Mean, scale, shift, path, settings.Name, settings.Size);
    }

    /// <summary>A norm's settings.</summary>
    /// <param name="Name">What it is called.</param>
    /// <param name="Eps">What is added to the variance.</param>
    /// <param name="Weight">[C], or null.</param>
    /// <param name="Bias">[C], or null.</param>
    protected readonly record struct NormSettings(string Name, double Eps, Parameter? Weight, Parameter? Bias)
    {
        /// <summary>The only size of maps that it takes; null for any.</summary>
        public (long Height, long Width)? Size { get; init; }
    }
}
