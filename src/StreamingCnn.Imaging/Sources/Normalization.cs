namespace StreamingCnn.Imaging;

/// <summary>Mean and standard deviation of each channel, on the scale that pixels have after division by <see cref="Scale"/>.</summary>
/// <param name="Mean">One number per channel, or one for all.</param>
/// <param name="Deviation">One positive number per channel, or one for all.</param>
/// <param name="Scale">What pixels are divided by first; 255 for 8-bit images.</param>
public sealed record Normalization(IReadOnlyList<float> Mean, IReadOnlyList<float> Deviation, float Scale = 255)
{
    /// <summary>The statistics of ImageNet, which networks trained on it expect.</summary>
    public static Normalization ImageNet { get; } = new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);

    /// <summary>0 to 255 becomes -1 to 1.</summary>
    public static Normalization Symmetric { get; } = new([0.5f], [0.5f]);

    /// <summary>Division by 255 alone.</summary>
    public static Normalization UnitRange { get; } = new([0f], [1f]);

    /// <summary>Values as they are.</summary>
    public static Normalization None { get; } = new([0f], [1f], 1);

    /// <summary>The same for several images side by side, whose channels follow each other.</summary>
    /// <param name="images">How many images, each of as many channels as there are numbers.</param>
    public Normalization Repeated(int images)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(images, 1);
        return this with
        {
            Mean = [.. Enumerable.Repeat(Mean, images).SelectMany(mean => mean)],
            Deviation = [.. Enumerable.Repeat(Deviation, images).SelectMany(deviation => deviation)],
        };
    }

    /// <summary>
    /// The same for values whose range is another than 0 to 255: what was done to 255 is done to the highest value, and
    /// so on.
    /// </summary>
    /// <param name="low">Value that takes the place of 0.</param>
    /// <param name="high">Value that takes the place of <see cref="Scale"/>; above <paramref name="low"/>.</param>
    public Normalization OnRange(double low, double high)
    {
        if (!(high > low) || !double.IsFinite(high - low))
            throw new ArgumentOutOfRangeException(nameof(high), high, $"The highest value of a range must be above the lowest, {low}.");
        return new(
            [.. Mean.Select(mean => (float)(low + (mean * (high - low))))],
            [.. Deviation.Select(deviation => (float)(deviation * (high - low)))],
            1);
    }

    /// <summary>Measures mean and deviation over all pixels of an image, window by window.</summary>
    /// <param name="source">The image; not disposed.</param>
    /// <param name="scale">What pixels are divided by first.</param>
    public static Normalization Measure(IImageSource source, float scale = 255)
    {
        ArgumentNullException.ThrowIfNull(source);
        var sums = new PixelSums(source.Channels);
        sums.Add(source);
        return Of(sums, scale);
    }

    /// <summary>
    /// Measures mean and deviation over all pixels of many images, such as the training part of a data set. A large image counts for more
    /// than a small one.
    /// </summary>
    /// <param name="paths">The files, opened one after the other.</param>
    /// <param name="options">How they are read; a downsample factor makes large sets quick. Null for the images as they are.</param>
    /// <param name="scale">What pixels are divided by first.</param>
    /// <exception cref="ImageFormatException">A file cannot be read, or has another number of channels than the first.</exception>
    /// <exception cref="ArgumentException">There is no image.</exception>
    public static Normalization Measure(IEnumerable<string> paths, ImageOptions? options = null, float scale = 255)
    {
        ArgumentNullException.ThrowIfNull(paths);
        PixelSums? sums = null;
        foreach (var path in paths)
        {
            using var source = ImageSource.Open(path, options);
            sums ??= new PixelSums(source.Channels);
            if (source.Channels != sums.Channels)
                throw new ImageFormatException(
                    path,
                    $"this image has {source.Channels} channel(s), the first of the set {sums.Channels}; ask for the same number of all.");
            sums.Add(source);
        }

        return sums is not null ? Of(sums, scale) : throw new ArgumentException("There is no image to measure.", nameof(paths));
    }

    private static Normalization Of(PixelSums sums, float scale)
    {
        var channels = Enumerable.Range(0, sums.Channels).ToArray();
        // A constant image has no deviation; what is left of it after subtraction must not be divided by nothing.
        var deviations = channels.Select(channel => Math.Sqrt(Math.Max(sums.Variance(channel), 1e-12)));
        return new(
            [.. channels.Select(channel => (float)(sums.Mean(channel) / scale))],
            [.. deviations.Select(deviation => (float)(deviation / scale))],
            scale);
    }
}
