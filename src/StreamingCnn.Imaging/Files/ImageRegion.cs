namespace StreamingCnn.Imaging;

/// <summary>A rectangle of pixels.</summary>
/// <param name="Top">First row, from 0.</param>
/// <param name="Left">First column, from 0.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
public readonly record struct ImageRegion(long Top, long Left, long Height, long Width)
{
    /// <summary>Throws unless the region is a non-empty part of an image of the given size.</summary>
    /// <param name="height">Height of the image.</param>
    /// <param name="width">Width of the image.</param>
    /// <exception cref="ArgumentOutOfRangeException">The region is empty or reaches outside; the message has the numbers.</exception>
    public void CheckInside(long height, long width)
    {
        if (Height <= 0 || Width <= 0 || Top < 0 || Left < 0 || Top > height - Height || Left > width - Width)
        {
            throw new ArgumentOutOfRangeException(
                null, $"The window at row {Top}, column {Left} of {Height} x {Width} pixels does not lie inside the image of {height} x {width} (height x width).");
        }
    }
}
