using StreamingCnn.Interop;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>Images as the sources of a trunk's runs, in its type and on its device.</summary>
/// <param name="arithmetic">What the trunk computes in.</param>
internal sealed class TrunkSources(TrunkArithmetic arithmetic)
{
    /// <summary>Images in memory.</summary>
    /// <param name="images">[N, C, H, W] each.</param>
    /// <returns>The sources, and of each image what autograd is to follow; null where it need not.</returns>
    public (SourceSet Sources, Tensor?[] Differentiable) InMemory(IReadOnlyList<Tensor> images)
    {
        foreach (var image in images)
        {
            ImageShape.Channels(image);
            if (image.shape[0] != images[0].shape[0])
            {
                var batches = string.Join(" and ", images.Select(one => one.shape[0]));
                throw new ArgumentException(
                    $"The inputs have batches of {batches} images; give all of them the same number.", nameof(images));
            }
        }

        var (type, device) = arithmetic.Compute(images);
        var differentiable = images.Select(image => !is_grad_enabled() || !image.requires_grad ? null
            : image.dtype != type || !image.IsOn(device) ? image.to(type, device) : image).ToArray();
        var sources = images.Zip(
            differentiable, (image, wanted) => new TensorSource(wanted ?? image, type, device) { GradientIsWanted = wanted is not null });
        return (new SourceSet([.. sources]), differentiable);
    }

    /// <summary>Images that are read window by window.</summary>
    /// <param name="images">The images.</param>
    /// <param name="gradientRows">Gets the gradient of the only image row by row; null where none is wanted.</param>
    public SourceSet Windows(IReadOnlyList<IImageSource> images, ImageGradientRows? gradientRows)
    {
        var (type, device) = arithmetic.Compute([]);
        return new SourceSet(
        [
            .. images.Select(image => new WindowSource(image, type, device)
            {
                GradientIsWanted = gradientRows is not null,
                GradientRows = gradientRows,
            }),
        ]);
    }
}
