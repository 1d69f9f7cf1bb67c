namespace StreamingCnn.Imaging;

/// <summary>Which window will be read next, judged by those read so far.</summary>
/// <remarks>
/// A pass goes over an image row by row from the top, and back again the same way. Going back everything is known. Going forth, windows
/// overlap their neighbours by as much as the last ones did, and the second and all later rows have the columns of the first; where a size
/// is not known to the pixel the forecast is the larger one.
/// </remarks>
internal sealed class WindowForecast(long imageHeight, long imageWidth)
{
    // Enough for any grid of tiles; somebody who reads a million different windows at random is not to be foretold.
    private const int Remembered = 1 << 16;

    private readonly List<ImageRegion> path = [];
    private readonly Dictionary<ImageRegion, int> places = [];
    private List<ImageRegion> rowAbove = [];
    private List<ImageRegion> row = [];
    private int lastPlace = -1;

    /// <summary>Takes note of a window that was read and foretells the next, or gives null where it cannot.</summary>
    public ImageRegion? After(ImageRegion now)
    {
        if (places.TryGetValue(now, out var place))
        {
            var next = place < lastPlace ? place - 1 : place + 1;
            lastPlace = place;
            return next >= 0 && next < path.Count ? path[next] : null;
        }

        if (path.Count == Remembered)
            return null;
        lastPlace = places[now] = path.Count;
        path.Add(now);
        if (row.Count > 0 && row[^1].Top != now.Top)
            (rowAbove, row) = (row, []);
        row.Add(now);
        return Inside(Extrapolate(now));
    }

    private ImageRegion? Extrapolate(ImageRegion now)
    {
        if (row.Count < rowAbove.Count)
            return now with { Left = rowAbove[row.Count].Left, Width = rowAbove[row.Count].Width };
        var overlap = row.Count > 1 ? row[^2].Left + row[^2].Width - now.Left : 0;
        if (rowAbove.Count > 0)
            overlap = rowAbove[0].Top + rowAbove[0].Height - now.Top;
        if (overlap < 0)
            return null;
        if (now.Left + now.Width < imageWidth)
            return row.Count < 2 ? null : new ImageRegion(now.Top, now.Left + now.Width - overlap, now.Height, now.Width + overlap);
        return new ImageRegion(now.Top + now.Height - overlap, row[0].Left, now.Height + overlap, row[0].Width);
    }

    private ImageRegion? Inside(ImageRegion? guess)
    {
        if (guess is not { } region)
            return null;
        var (top, left) = (Math.Max(0, region.Top), Math.Max(0, region.Left));
        var (bottom, right) = (Math.Min(imageHeight, region.Top + region.Height), Math.Min(imageWidth, region.Left + region.Width));
        return bottom > top && right > left ? new ImageRegion(top, left, bottom - top, right - left) : null;
    }
}
