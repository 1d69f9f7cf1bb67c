using StreamingCnn.Imaging.Export;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tiles;

/// <summary>
/// How values of an image become bytes that an eye can see: the same for all tiles, and as in a small picture of the whole image, whose
/// range it is.
/// </summary>
internal sealed class PictureRange
{
    // A small picture of the whole is looked at where that costs no more than reading so many pixels.
    private const double MostPixels = 64e6;
    private const int PictureSide = 1024;

    // Of a large image without smaller levels, windows on a grid are looked at instead.
    private const int Windows = 8;
    private const long WindowSide = 256;

    private readonly (float Low, float High)[] ranges;

    private PictureRange((float Low, float High)[] ranges, string remark)
    {
        (this.ranges, Remark) = (ranges, remark);
        Table = [.. ranges.Select((_, channel) => Enumerable.Range(0, 256).Select(value => Of(value, channel)).ToArray())];
    }

    /// <summary>What is done, in words; empty where values are shown as they are.</summary>
    public string Remark { get; }

    /// <summary>Of each channel the bytes that those of a window become.</summary>
    public byte[][] Table { get; }

    /// <summary>Looks at an image.</summary>
    public static PictureRange Of(FileLevels file)
    {
        if (Thumbnail.IsShownAsItIs(file.Info, file.Options, file.Channels))
            return new([.. Enumerable.Repeat((0f, 255f), file.Channels)], "");
        using var scope = NewDisposeScope();
        var smallest = file.Info.Levels[^1];
        var pixels = (double)smallest.Height * smallest.Width <= MostPixels
            ? Thumbnail.Pixels(file.Info, PictureSide, file.Options)
            : Sampled(file);
        return new(
            Stretch.Ranges(pixels, Thumbnail.IsStretchedTogether(file.Options, file.Channels)),
            Thumbnail.Remark(file.Info, file.Options, file.Channels));
    }

    /// <summary>The byte of a value.</summary>
    public byte Of(float value, int channel)
    {
        var (low, high) = ranges[channel];
        return (byte)Math.Clamp(MathF.Round((value - low) * (255 / Math.Max(high - low, 1e-12f))), 0, 255);
    }

    private static Tensor Sampled(FileLevels file)
    {
        var level = file.Info.Levels.Count - 1;
        var (height, width) = file.Size(level);
        var (rows, columns) = (Math.Min(WindowSide, height), Math.Min(WindowSide, width));
        var windows =
            from y in Enumerable.Range(0, Windows)
            from x in Enumerable.Range(0, Windows)
            select file.Read(level, new((height - rows) * y / (Windows - 1), (width - columns) * x / (Windows - 1), rows, columns));
        return cat([.. windows], 3);
    }
}
