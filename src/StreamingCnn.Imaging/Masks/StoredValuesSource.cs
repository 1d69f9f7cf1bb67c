using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Masks;

/// <summary>Samples as they are stored, of files whose windows have them spread over 0..255, or inverted.</summary>
internal sealed class StoredValuesSource : IImageSource
{
    private readonly IImageSource inner;
    private readonly int largest;
    private readonly bool isSpread;
    private readonly bool isInverted;

    private StoredValuesSource(IImageSource inner, int largest, bool isSpread, bool isInverted) =>
        (this.inner, this.largest, this.isSpread, this.isInverted) = (inner, largest, isSpread, isInverted);

    /// <inheritdoc/>
    public int Channels => inner.Channels;

    /// <inheritdoc/>
    public long Height => inner.Height;

    /// <inheritdoc/>
    public long Width => inner.Width;

    /// <summary>The samples of an opened file; the file itself where its windows have them as they are.</summary>
    /// <param name="source">The file; owned from then on.</param>
    /// <param name="info">Its header.</param>
    public static IImageSource Of(IImageSource source, ImageInfo info)
    {
        var isSpread = info.StoredLargest < byte.MaxValue;
        return isSpread || (info.IsInverted && info.StoredLargest is not null)
            ? new StoredValuesSource(source, info.StoredLargest!.Value, isSpread, info.IsInverted)
            : source;
    }

    /// <inheritdoc/>
    public Tensor Read(long top, long left, long height, long width)
    {
        using var scope = NewDisposeScope();
        var values = FloatPixels.Of(inner.Read(top, left, height, width));
        for (long line = 0; line < Channels * height; line++)
        {
            foreach (ref var value in values[line])
            {
                var stored = isSpread ? MathF.Round(value * largest / byte.MaxValue) : value;
                value = isInverted ? largest - stored : stored;
            }
        }

        return values.Window.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();
}
