using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging;

/// <summary>Another source as float32 with (pixel / scale - mean) / deviation.</summary>
/// <remarks>Bytes go to the device as bytes; the arithmetic is done there.</remarks>
public sealed class NormalizedSource : IPreparedImageSource
{
    private readonly IImageSource inner;
    private Tensor factor;
    private Tensor offset;

    /// <summary>Creates the view. It owns <paramref name="inner"/> from then on and disposes it.</summary>
    /// <exception cref="ArgumentException">
    /// The number of means or deviations is neither 1 nor the number of channels, or one is not usable.
    /// </exception>
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
        factor = tensor(channels.Select(c => 1 / (normalization.Scale * Deviation(c))).ToArray(), [1, inner.Channels, 1, 1])
            .DetachFromDisposeScope();
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
        using var stored = ReadStored(top, left, height, width);
        return Prepare(stored);
    }

    /// <inheritdoc/>
    public Tensor ReadStored(long top, long left, long height, long width) => inner.Read(top, left, height, width);

    /// <inheritdoc/>
    public Tensor Prepare(Tensor stored)
    {
        ArgumentNullException.ThrowIfNull(stored);
        using var scope = NewDisposeScope();
        // Devices themselves are compared as objects.
        if (factor.device_type != stored.device_type || factor.device_index != stored.device_index)
            (factor, offset) = (Moved(factor, stored.device), Moved(offset, stored.device));
        // Multiplied and added one after the other, not at once: so each is rounded alike in every part of a window.
        return PixelRange.Add(stored.to(ScalarType.Float32).mul(factor), offset).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        factor.Dispose();
        offset.Dispose();
        inner.Dispose();
    }

    private static Tensor Moved(Tensor numbers, Device device)
    {
        using (numbers)
            return numbers.to(device).DetachFromDisposeScope();
    }
}
