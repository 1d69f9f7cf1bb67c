using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>
/// An image with its foreground. What looks at the image as a whole, such as the pooling of a classifier, looks at its foreground alone; of
/// the rest no more is read than the foreground's surroundings.
/// </summary>
public sealed class ForegroundSource : IPreparedImageSource
{
    private readonly IPreparedImageSource image;

    /// <summary>Joins both. It owns them from then on and disposes them.</summary>
    /// <param name="image">The image.</param>
    /// <param name="foreground">Of its size and one channel: not 0 where there is foreground.</param>
    /// <exception cref="ArgumentException">The foreground has another size, or more channels than one.</exception>
    public ForegroundSource(IPreparedImageSource image, IImageSource foreground)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(foreground);
        if (foreground.Channels != 1 || foreground.Height != image.Height || foreground.Width != image.Width)
        {
            throw new ArgumentException(
                $"The foreground has {foreground.Channels} channel(s) of {foreground.Height} x {foreground.Width} pixels (height x width), but its image has {image.Height} x {image.Width}; give one channel of the image's size.",
                nameof(foreground));
        }

        (this.image, Foreground) = (image, foreground);
    }

    /// <summary>Not 0 where there is foreground; of the image's size and one channel.</summary>
    public IImageSource Foreground { get; }

    /// <inheritdoc/>
    public int Channels => image.Channels;

    /// <inheritdoc/>
    public long Height => image.Height;

    /// <inheritdoc/>
    public long Width => image.Width;

    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width) => image.Read(top, left, height, width);

    /// <inheritdoc/>
    public Tensor ReadStored(long top, long left, long height, long width) => image.ReadStored(top, left, height, width);

    /// <inheritdoc/>
    public Tensor Prepare(Tensor stored) => image.Prepare(stored);

    /// <inheritdoc/>
    public void Dispose()
    {
        image.Dispose();
        Foreground.Dispose();
    }
}
