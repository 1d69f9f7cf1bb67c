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

    /// <summary>Measures mean and deviation over all pixels of an image, window by window.</summary>
    /// <param name="source">The image; not disposed.</param>
    /// <param name="scale">What pixels are divided by first.</param>
    public static Normalization Measure(IImageSource source, float scale = 255)
    {
        ArgumentNullException.ThrowIfNull(source);
        var sums = new ChannelSums(source.Channels);
        sums.Add(source);
        return sums.Result(scale);
    }

    /// <summary>Measures mean and deviation over all pixels of many images, such as the training part of a data set. A large image counts for more than a small one.</summary>
    /// <param name="paths">The files, opened one after the other.</param>
    /// <param name="options">How they are read; a downsample factor makes large sets quick. Null for the images as they are.</param>
    /// <param name="scale">What pixels are divided by first.</param>
    /// <exception cref="ImageFormatException">A file cannot be read, or has another number of channels than the first.</exception>
    /// <exception cref="ArgumentException">There is no image.</exception>
    public static Normalization Measure(IEnumerable<string> paths, ImageOptions? options = null, float scale = 255)
    {
        ArgumentNullException.ThrowIfNull(paths);
        ChannelSums? sums = null;
        foreach (var path in paths)
        {
            using var source = ImageSource.Open(path, options);
            sums ??= new ChannelSums(source.Channels);
            if (source.Channels != sums.Channels)
                throw new ImageFormatException(path, $"this image has {source.Channels} channel(s), the first of the set {sums.Channels}; ask for the same number of all.");
            sums.Add(source);
        }

        return sums?.Result(scale) ?? throw new ArgumentException("There is no image to measure.", nameof(paths));
    }

    /// <summary>What mean and deviation follow from; sums in double precision, since squares of gigapixels do not fit into less.</summary>
    private sealed class ChannelSums(int channels)
    {
        private const long Side = 1024;

        private readonly double[] sums = new double[channels];
        private readonly double[] squares = new double[channels];
        private double count;

        public int Channels => channels;

        public void Add(IImageSource source)
        {
            for (long top = 0; top < source.Height; top += Side)
            {
                for (long left = 0; left < source.Width; left += Side)
                {
                    using var scope = TorchSharp.torch.NewDisposeScope();
                    var window = source.Read(top, left, Math.Min(Side, source.Height - top), Math.Min(Side, source.Width - left))
                        .to(TorchSharp.torch.ScalarType.Float64);
                    for (var channel = 0; channel < channels; channel++)
                    {
                        sums[channel] += window[0, channel].sum().item<double>();
                        squares[channel] += window[0, channel].square().sum().item<double>();
                    }
                }
            }

            count += (double)source.Height * source.Width;
        }

        public Normalization Result(float scale)
        {
            var means = sums.Select(sum => sum / count).ToArray();
            // A constant image has no deviation; what is left of it after subtraction must not be divided by nothing.
            var deviations = squares.Select((sum, channel) => Math.Sqrt(Math.Max((sum / count) - (means[channel] * means[channel]), 1e-12)));
            return new Normalization([.. means.Select(mean => (float)(mean / scale))], [.. deviations.Select(deviation => (float)(deviation / scale))], scale);
        }
    }
}
