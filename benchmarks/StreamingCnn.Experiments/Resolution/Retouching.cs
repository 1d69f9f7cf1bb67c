using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Experiments.Resolution;

/// <summary>
/// Takes defects out of photographs and puts them into others. The camera stood still, so a patch of another photograph of the same
/// position fits; its mean colour is brought to that of its new surroundings, and its edge is faded over a few pixels.
/// </summary>
internal static class Retouching
{
    // Around the box, and faded: wide enough for the dark rim of a defect.
    private const int Margin = 12;

    /// <summary>A photograph with the patches of another one in the given boxes, written as PNG.</summary>
    public static void Write(Photograph into, Photograph from, IReadOnlyList<ImageRegion> boxes, string path)
    {
        using var scope = NewDisposeScope();
        var (image, donor) = (Read(into.Path), Read(from.Path));
        foreach (var box in boxes)
            Paste(image, donor, Grow(box, image.shape[2], image.shape[3]));
        using var source = new TensorImageSource(image.round().clamp(0, 255).to(ScalarType.Byte));
        ImageFile.Write(source, path);
    }

    /// <summary>Keeps a part of an image file.</summary>
    public static void Crop(string path, ImageRegion region)
    {
        using var scope = NewDisposeScope();
        Tensor part;
        using (var image = ImageSource.Open(path))
            part = image.Read(region.Top, region.Left, region.Height, region.Width);
        using var source = new TensorImageSource(part);
        ImageFile.Write(source, path);
    }

    private static void Paste(Tensor image, Tensor donor, ImageRegion region)
    {
        Tensor Cut(Tensor whole) => whole.narrow(2, region.Top, region.Height).narrow(3, region.Left, region.Width);
        var (target, patch) = (Cut(image), Cut(donor));
        var weight = Ramp(region.Height).unsqueeze(1) * Ramp(region.Width).unsqueeze(0);
        // The rim is where both show the same surface.
        var rim = 1 - weight;
        var offset = ((target - patch) * rim).sum([2, 3], keepdim: true) / rim.sum();
        target.copy_(target + ((patch + offset - target) * weight));
    }

    /// <summary>Rises from 0 to 1 over the margin, and falls likewise.</summary>
    private static Tensor Ramp(long length)
    {
        var distance = arange(length, ScalarType.Float32);
        return minimum(distance, length - 1 - distance).div(Margin).clamp(0, 1);
    }

    private static ImageRegion Grow(ImageRegion box, long height, long width)
    {
        var (top, left) = (Math.Max(0, box.Top - Margin), Math.Max(0, box.Left - Margin));
        return new(top, left, Math.Min(height, box.Top + box.Height + Margin) - top, Math.Min(width, box.Left + box.Width + Margin) - left);
    }

    private static Tensor Read(string path)
    {
        using var source = ImageSource.Open(path);
        return source.Read(0, 0, source.Height, source.Width).to(ScalarType.Float32);
    }
}
