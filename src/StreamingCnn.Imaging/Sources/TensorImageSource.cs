using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>An image that is already a tensor, as a source of windows.</summary>
public sealed class TensorImageSource : IImageSource
{
    private readonly Tensor image;

    /// <summary>Creates the source.</summary>
    /// <param name="image">
    /// Shape [C, H, W] or [1, C, H, W], uint8 or floating point. Stays the caller's; it must outlive the source.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The tensor is not [C, H, W] or [1, C, H, W], or neither of bytes nor of floating-point numbers.
    /// </exception>
    public TensorImageSource(Tensor image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var shape = image.shape;
        if (shape.Length is not (3 or 4) || (shape.Length == 4 && shape[0] != 1))
            throw new ArgumentException(
                $"The image has shape [{string.Join(", ", shape)}]; it must be [C, H, W] or [1, C, H, W].", nameof(image));
        if (image.dtype != ScalarType.Byte && !image.is_floating_point())
            throw new ArgumentException(
                $"The image is of type {image.dtype}; it must be uint8 or of a floating-point type.", nameof(image));
        // A second handle on the same memory, out of any scope: the source lives as long as its owner wants.
        this.image = (shape.Length == 3 ? image.unsqueeze(0) : image.alias()).DetachFromDisposeScope();
        (Channels, Height, Width) = ((int)shape[^3], shape[^2], shape[^1]);
    }

    /// <inheritdoc/>
    public int Channels { get; }

    /// <inheritdoc/>
    public long Height { get; }

    /// <inheritdoc/>
    public long Width { get; }

    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width)
    {
        new ImageRegion(top, left, height, width).CheckInside(Height, Width);
        using var scope = NewDisposeScope();
        return image.narrow(2, top, height).narrow(3, left, width).clone().contiguous().MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => image.Dispose();
}
