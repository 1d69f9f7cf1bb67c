namespace StreamingCnn.Imaging;

/// <summary>What values the pixels of some images have, on the scale of their windows. Pixels without data are left out.</summary>
/// <param name="Mean">Mean of each channel.</param>
/// <param name="Deviation">Standard deviation of each channel; 1 where all values are the same.</param>
/// <param name="Low">Value below which a hundredth of all samples lie.</param>
/// <param name="High">Value above which a hundredth of all samples lie.</param>
public sealed record PixelStatistics(IReadOnlyList<double> Mean, IReadOnlyList<double> Deviation, double Low, double High)
{
    /// <summary>The scaling that takes out mean and deviation.</summary>
    public Normalization Normalization => new([.. Mean.Select(value => (float)value)], [.. Deviation.Select(value => (float)value)], 1);

    /// <summary>Measures images one by one.</summary>
    /// <param name="images">
    /// Opens them; each is disposed. Of images of more than <see cref="ImageCheck.SmallPixels"/> pixels, windows in a
    /// grid of 5 x 5 are read, so that large sets take a moment. Filled pixels count unless they are filled with NaN.
    /// </param>
    /// <exception cref="ArgumentException">There is no image, or they have several numbers of channels.</exception>
    public static PixelStatistics Measure(IEnumerable<Func<IImageSource>> images)
    {
        ArgumentNullException.ThrowIfNull(images);
        PixelSums? sums = null;
        foreach (var open in images)
        {
            using var image = open();
            sums ??= new PixelSums(image.Channels);
            if (image.Channels != sums.Channels)
                throw new ArgumentException(
                    $"There must be as many channels in all images: one has {image.Channels}, the first {sums.Channels}.", nameof(images));
            sums.AddSome(image);
        }

        return sums?.Statistics() ?? throw new ArgumentException("There is no image to measure.", nameof(images));
    }
}
