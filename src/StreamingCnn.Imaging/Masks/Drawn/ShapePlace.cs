using System.Globalization;

namespace StreamingCnn.Imaging.Masks.Drawn;

/// <summary>Whether shapes lie where their image is.</summary>
internal static class ShapePlace
{
    /// <summary>A shape that is given in pixels of an image reaches into it; where it does not, its numbers mean something else.</summary>
    /// <exception cref="ImageFormatException">It lies outside.</exception>
    public static Shape OnImage(Shape shape, string path, ImageInfo image)
    {
        var corners = shape.Rings.SelectMany(ring => ring).ToArray();
        if (Overlaps(corners.Select(corner => corner.X), image.Width) && Overlaps(corners.Select(corner => corner.Y), image.Height))
            return shape;
        throw new ImageFormatException(
            path,
            string.Create(
                CultureInfo.InvariantCulture,
                $"{shape.Place} lies outside of its image of {image.Height} x {image.Width} pixels (height x width); give shapes in pixels of the image at full resolution, from its upper left corner."));
    }

    private static bool Overlaps(IEnumerable<double> positions, long length) => positions.Min() < length && positions.Max() > 0;
}
