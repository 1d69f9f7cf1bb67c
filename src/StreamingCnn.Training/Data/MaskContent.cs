using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Imaging.Masks.Drawn;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Data;

/// <summary>How many pixels of what a mask has.</summary>
internal abstract class MaskContent
{
    /// <summary>Reads a mask through.</summary>
    /// <param name="mask">The mask.</param>
    /// <param name="image">The image that it belongs to.</param>
    /// <param name="boxCore">The middle share of drawn boxes that counts; null for whole boxes.</param>
    /// <exception cref="ImageFormatException">It cannot be read, or is none of the image's.</exception>
    public static MaskContent Of(string mask, ImageInfo image, double? boxCore)
    {
        if (DrawnMask.IsDrawn(mask))
        {
            var (classes, outside, _) = DrawnMask.Read(mask, image, boxCore).Count();
            return new DrawnContent(classes, outside);
        }

        MaskSizes.Check(image, mask, MaskFile.Size(mask));
        return new StoredContent(MaskHistogram.Of(mask));
    }

    /// <summary>Pixels of each class.</summary>
    /// <param name="task">The classes.</param>
    /// <param name="unknown">What the mask has that is none of them, and how much of it; null where there is nothing.</param>
    public abstract IReadOnlyList<long> Of(SegmentationTask task, out (string What, long Pixels)? unknown);
}
