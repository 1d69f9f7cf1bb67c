using static TorchSharp.torch;

namespace StreamingCnn.Tests.Surface;

/// <summary>An image source over a tensor [1, C, H, W], which can be told to fail.</summary>
internal sealed class MemorySource(Tensor image) : IImageSource
{
    public int Channels => (int)image.shape[1];

    public long Height => image.shape[2];

    public long Width => image.shape[3];

    /// <summary>How many windows may still be read before reading fails.</summary>
    public int ReadsUntilFailure { get; set; } = int.MaxValue;

    public Tensor Read(long top, long left, long height, long width)
    {
        if (ReadsUntilFailure-- <= 0)
            throw new IOException("The disk with the slide was unplugged.");
        return image.narrow(2, top, height).narrow(3, left, width).clone();
    }

    public void Dispose()
    {
    }
}
