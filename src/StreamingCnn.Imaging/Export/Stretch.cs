using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Export;

/// <summary>Values of any range as bytes that an eye can see: from the 2nd to the 98th percentile of what is shown.</summary>
public static class Stretch
{
    /// <summary>What is said of a picture whose bands were stretched each by itself.</summary>
    public const string EachBand = "each stretched from its 2nd to its 98th percentile";

    /// <summary>What is said of a picture of one band, or of colours that were stretched together.</summary>
    public const string Together = "stretched from the 2nd to the 98th percentile";

    private const int Colours = 3;
    private const double White = 255;

    /// <summary>Stretches a small picture.</summary>
    /// <param name="pixels">
    /// [1, C, H, W], floating point; of more than three channels the first three are shown, of two the first. NaN where there are no data.
    /// </param>
    /// <param name="isTogether">Whether channels have one range, as those of colours do; otherwise each has its own.</param>
    /// <returns>[1, 1 or 3, H, W], uint8. What has no data is white.</returns>
    public static Tensor Of(Tensor pixels, bool isTogether = false)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        using var scope = NewDisposeScope();
        var shown = pixels.narrow(1, 0, Shown((int)pixels.shape[1])).to(ScalarType.Float32);
        Tensor[] parts = isTogether
            ? [shown]
            : [.. Enumerable.Range(0, (int)shown.shape[1]).Select(channel => shown.narrow(1, channel, 1))];
        return cat([.. parts.Select(Stretched)], 1).MoveToOuterDisposeScope();
    }

    /// <summary>Channels of those that an image has that are shown: three for colours, or one for grey.</summary>
    public static int Shown(int channels) => channels >= Colours ? Colours : 1;

    /// <summary>The values that become 0 and 255 of each channel that is shown.</summary>
    /// <param name="pixels">As for <see cref="Of"/>.</param>
    /// <param name="isTogether">As for <see cref="Of"/>.</param>
    internal static (float Low, float High)[] Ranges(Tensor pixels, bool isTogether)
    {
        using var scope = NewDisposeScope();
        var shown = pixels.narrow(1, 0, Shown((int)pixels.shape[1])).to(ScalarType.Float32);
        var channels = (int)shown.shape[1];
        if (isTogether)
            return [.. Enumerable.Repeat(Range(shown) ?? (0, (float)White), channels)];
        return [.. Enumerable.Range(0, channels).Select(channel => Range(shown.narrow(1, channel, 1)) ?? (0, (float)White))];
    }

    /// <summary>The values that become 0 and 255; null where there are none.</summary>
    private static (float Low, float High)? Range(Tensor band)
    {
        var present = band[band.isfinite()];
        if (present.numel() == 0)
            return null;
        var sorted = present.sort().Values;
        var last = sorted.numel() - 1;
        var tail = (long)Math.Floor(BandStatistics.Tail * sorted.numel());
        var (low, high) = (sorted[tail].item<float>(), sorted[last - tail].item<float>());
        // Nearly all the same: what differs is what there is to see.
        return low == high ? (sorted[0].item<float>(), sorted[last].item<float>()) : (low, high);
    }

    private static Tensor Stretched(Tensor band)
    {
        if (Range(band) is not { } range)
            return BytePixels.Of(band.nan_to_num(White, White, White));
        var (least, most) = ((double)range.Low, (double)range.High);
        var bytes = BytePixels.Of(BytePixels.Spread(band.nan_to_num(most, most, least), tensor(range.Low), tensor(range.High)));
        return where(band.isnan(), tensor((byte)White, ScalarType.Byte), bytes);
    }
}
