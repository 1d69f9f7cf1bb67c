using System.Globalization;
using StreamingCnn.Imaging;

namespace StreamingCnn.Training.Data;

/// <summary>Whether masks are of their images' size.</summary>
internal static class MaskSizes
{
    /// <exception cref="ImageFormatException">The mask is of another size.</exception>
    public static void Check(ImageInfo image, string mask, (long Height, long Width) size)
    {
        if (size == (image.Height, image.Width))
            return;
        throw new ImageFormatException(
            mask,
            string.Create(
                CultureInfo.InvariantCulture,
                $"this mask has {size.Height} x {size.Width} pixels (height x width), but its image has {image.Height} x {image.Width}; give a mask of the image's size."));
    }
}
