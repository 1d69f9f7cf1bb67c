namespace StreamingCnn.Imaging;

/// <summary>
/// Where the pixels of a window that is shown upright lie in an image that was stored turned or mirrored (the orientation tag, 1 to 8).
/// </summary>
internal static class TiffOrientation
{
    /// <summary>The stored pixels of a window.</summary>
    /// <param name="orientation">Value of the tag; 1 and unknown ones mean upright.</param>
    /// <param name="shown">Window of the image as it is shown.</param>
    /// <param name="height">Height of the image as it is stored.</param>
    /// <param name="width">Width of the image as it is stored.</param>
    public static ImageRegion Stored(int orientation, ImageRegion shown, long height, long width)
    {
        var stored = orientation is >= 5 and <= 8 ? new ImageRegion(shown.Left, shown.Top, shown.Width, shown.Height) : shown;
        var fromBelow = orientation is 3 or 4 or 6 or 7;
        var fromRight = orientation is 2 or 3 or 7 or 8;
        return stored with
        {
            Top = fromBelow ? height - stored.Top - stored.Height : stored.Top,
            Left = fromRight ? width - stored.Left - stored.Width : stored.Left,
        };
    }
}
