using static TorchSharp.torch;

namespace StreamingCnn;

/// <summary>Checks that a tensor has the shape of a batch of images.</summary>
internal static class ImageShape
{
    /// <summary>The number of channels of a batch of images.</summary>
    /// <exception cref="ArgumentException">The tensor is not [N, C, H, W].</exception>
    public static long Channels(Tensor image)
    {
        var shape = image.shape;
        return shape.Length == 4
            ? shape[1]
            : throw new ArgumentException(
                $"The image has the shape [{string.Join(", ", shape)}]; give a batch of images [N, C, H, W].", nameof(image));
    }
}
