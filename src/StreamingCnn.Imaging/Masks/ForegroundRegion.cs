namespace StreamingCnn.Imaging.Masks;

/// <summary>How the foreground of an image is found.</summary>
public enum ForegroundRule
{
    /// <summary>The whole image is wanted.</summary>
    None,

    /// <summary>Otsu's threshold on a thumbnail (<see cref="TissueMask.Otsu(IImageSource, long, long)"/>).</summary>
    Otsu,

    /// <summary>A mask file.</summary>
    Mask,
}

/// <summary>Where the foreground of an image lies.</summary>
/// <param name="Box">In pixels of the image as it is opened; the whole image where nothing is foreground.</param>
/// <param name="BoxShare">Share of the image's pixels that lie in the box, 0 to 1.</param>
/// <param name="ForegroundShare">Share of the image's pixels that are foreground, 0 to 1.</param>
public sealed record ForegroundRegion(ImageRegion Box, double BoxShare, double ForegroundShare)
{
    private const int ThumbnailSide = 1024;

    /// <summary>Which part of the whole image is foreground; null where nothing is.</summary>
    public TissueMask? Mask { get; init; }

    /// <summary>The same with the whole image as its box.</summary>
    /// <param name="height">Height in pixels of the whole image as it is opened.</param>
    /// <param name="width">Width in pixels of it.</param>
    public ForegroundRegion Uncropped(long height, long width) => this with { Box = new(0, 0, height, width), BoxShare = 1 };

    /// <summary>
    /// Which pixels of the box are foreground, as the image is opened: one channel, 1 where they are and 0 elsewhere. Null where nothing of
    /// the image is.
    /// </summary>
    /// <param name="height">Height in pixels of the whole image as it is opened.</param>
    /// <param name="width">Width in pixels of it.</param>
    public IImageSource? Open(long height, long width) =>
        Mask is null ? null : new CroppedSource(new NearestSource(Mask.Open(), height, width), Box);

    /// <summary>Finds the box of a file.</summary>
    /// <param name="path">The image.</param>
    /// <param name="rule">How; not <see cref="ForegroundRule.None"/>.</param>
    /// <param name="mask">The mask file, for <see cref="ForegroundRule.Mask"/>.</param>
    /// <param name="options">How the image will be opened; null for full resolution.</param>
    /// <exception cref="ImageFormatException">A file cannot be read, the mask is missing or of another shape.</exception>
    public static ForegroundRegion Find(string path, ForegroundRule rule, string? mask = null, ImageOptions? options = null)
    {
        if (rule == ForegroundRule.Mask && mask is null)
            throw new ImageFormatException(path, "it is to be cropped to its mask, but no mask is named for it; name one in the column 'mask', or find the foreground by Otsu's threshold.");
        var info = ImageInfo.Read(path, options);
        var found = rule == ForegroundRule.Mask
            ? TissueMask.FromFile(mask!, info.Height, info.Width)
            : TissueMask.Otsu(info, ThumbnailSide, options);
        var (height, width) = ImageSource.Size(info, options ?? new ImageOptions());
        if (found.BoundingBox() is not { } box)
            return new(new(0, 0, height, width), 1, 0);
        var (down, across) = ((double)height / info.Height, (double)width / info.Width);
        var (top, left) = ((long)Math.Floor(box.Top * down), (long)Math.Floor(box.Left * across));
        var bottom = Math.Min(height, (long)Math.Ceiling((box.Top + box.Height) * down));
        var right = Math.Min(width, (long)Math.Ceiling((box.Left + box.Width) * across));
        return new(
            new(top, left, bottom - top, right - left),
            (double)(bottom - top) * (right - left) / ((double)height * width),
            found.ForegroundShare)
        {
            Mask = found,
        };
    }
}
