using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Export;

/// <summary>A small version of an image in memory, of one or three channels, uint8, and what was done to show it.</summary>
public sealed class SmallPicture : IImageSource
{
    private readonly TensorImageSource pixels;

    internal SmallPicture(Tensor pixels, string remark) => (this.pixels, Remark) = (new(pixels), remark);

    /// <summary>
    /// Which bands are shown and how their values were stretched, such as <c>bands 4, 3, 2, each stretched from its 2nd to its 98th
    /// percentile</c>; empty where the picture shows the image as it is.
    /// </summary>
    public string Remark { get; }

    /// <inheritdoc/>
    public int Channels => pixels.Channels;

    /// <inheritdoc/>
    public long Height => pixels.Height;

    /// <inheritdoc/>
    public long Width => pixels.Width;

    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width) => pixels.Read(top, left, height, width);

    /// <inheritdoc/>
    public void Dispose() => pixels.Dispose();
}
