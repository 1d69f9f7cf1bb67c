using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Another source as float32 with (pixel / scale - mean) / deviation.</summary>
/// <remarks>To move less data to a GPU, leave windows uint8 and let the first layer of the network do this instead.</remarks>
public sealed class NormalizedSource : IImageSource
{
    private readonly IImageSource inner;
    private readonly Tensor factor;
    private readonly Tensor offset;

    /// <summary>Creates the view. It owns <paramref name="inner"/> from then on and disposes it.</summary>
    /// <exception cref="ArgumentException">The number of means or deviations is neither 1 nor the number of channels, or one is not usable.</exception>
    public NormalizedSource(IImageSource inner, Normalization normalization)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(normalization);
        if ((normalization.Mean.Count != 1 && normalization.Mean.Count != inner.Channels)
            || (normalization.Deviation.Count != 1 && normalization.Deviation.Count != inner.Channels))
        {
            throw new ArgumentException(
                $"{normalization.Mean.Count} means and {normalization.Deviation.Count} deviations were given for an image of {inner.Channels} channels; give one or {inner.Channels} of each.",
                nameof(normalization));
        }

        if (!(normalization.Scale > 0) || normalization.Deviation.Any(deviation => !(deviation > 0)))
            throw new ArgumentException("Scale and deviations must be positive.", nameof(normalization));
        this.inner = inner;
        float Mean(int channel) => normalization.Mean[normalization.Mean.Count == 1 ? 0 : channel];
        float Deviation(int channel) => normalization.Deviation[normalization.Deviation.Count == 1 ? 0 : channel];
        var channels = Enumerable.Range(0, inner.Channels).ToList();
        factor = tensor(channels.Select(c => 1 / (normalization.Scale * Deviation(c))).ToArray(), [1, inner.Channels, 1, 1]).DetachFromDisposeScope();
        offset = tensor(channels.Select(c => -Mean(c) / Deviation(c)).ToArray(), [1, inner.Channels, 1, 1]).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public int Channels => inner.Channels;

    /// <inheritdoc/>
    public long Height => inner.Height;

    /// <inheritdoc/>
    public long Width => inner.Width;

    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width)
    {
        using var scope = NewDisposeScope();
        return PixelRange.Add(inner.Read(top, left, height, width).to(ScalarType.Float32).mul_(factor), offset).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        factor.Dispose();
        offset.Dispose();
        inner.Dispose();
    }
}
