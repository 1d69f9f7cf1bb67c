namespace StreamingCnn.Imaging;

/// <summary>Which pyramid level to read for a wanted resolution, and the size of the image at that resolution.</summary>
internal readonly record struct LevelChoice(int Level, long Height, long Width)
{
    // A level a hair smaller than asked is taken as it is: 0.499 against 0.5 micrometres is measurement, not resolution.
    private const double Tolerance = 1.005;

    public static LevelChoice For(ImageInfo info, ImageOptions options)
    {
        if (options.Level is { } level)
        {
            if (level >= info.Levels.Count)
            {
                throw new ImageFormatException(
                    info.Path, $"level {level} was asked for, but the file has {info.Levels.Count} level(s), numbered from 0; a downsample factor works with any file.");
            }

            return new LevelChoice(level, info.Levels[level].Height, info.Levels[level].Width);
        }

        var factor = options.Downsample ?? 1;
        var factorDown = factor;
        if (options.MicrometresPerPixel is { } wanted)
        {
            if ((info.MicrometresPerPixel ?? options.AssumedMicrometresPerPixel) is not { } own)
            {
                throw new ImageFormatException(
                    info.Path,
                    $"{wanted} micrometres per pixel were asked for, but the file does not state its resolution; "
                        + "say it by --mpp-of or in a column mpp, or give a downsample factor instead.");
            }

            (factor, factorDown) = (wanted / own, wanted / (info.MicrometresPerPixelDown ?? own));
            if (Math.Min(factor, factorDown) < 0.5)
            {
                var coarser = Math.Max(own, info.MicrometresPerPixelDown ?? own);
                throw new ImageFormatException(
                    info.Path,
                    $"{wanted} micrometres per pixel were asked for, but the file has only {coarser:0.####}; "
                        + $"ask for at least {coarser / 2:0.####}.");
            }
        }

        var best = Best(info, Math.Min(factor, factorDown));
        var chosen = info.Levels[best];
        if (Math.Abs((factor / chosen.Downsample) - 1) < Tolerance - 1 && Math.Abs((factorDown / chosen.Downsample) - 1) < Tolerance - 1)
            return new LevelChoice(best, chosen.Height, chosen.Width);
        return new LevelChoice(best, Scaled(info.Height, factorDown), Scaled(info.Width, factor));
    }

    /// <summary>The level to read for a size that another image of the same pixels is read in.</summary>
    /// <param name="info">The image.</param>
    /// <param name="other">What is read of the other one.</param>
    public static LevelChoice OfSize(ImageInfo info, LevelChoice other) => new(
        Best(info, Math.Min((double)info.Height / other.Height, (double)info.Width / other.Width)), other.Height, other.Width);

    /// <summary>The smallest level that is no smaller than an image made smaller by a factor.</summary>
    private static int Best(ImageInfo info, double factor)
    {
        var best = 0;
        for (var i = 1; i < info.Levels.Count; i++)
        {
            if (info.Levels[i].Downsample <= factor * Tolerance)
                best = i;
        }

        return best;
    }

    private static long Scaled(long length, double factor) =>
        Math.Max(1, (long)Math.Round(length / factor, MidpointRounding.AwayFromZero));
}
