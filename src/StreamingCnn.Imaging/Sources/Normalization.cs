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
    /// <param name="source">The image.</param>
    /// <param name="scale">What pixels are divided by first.</param>
    public static Normalization Measure(IImageSource source, float scale = 255)
    {
        ArgumentNullException.ThrowIfNull(source);
        var (sums, squares) = (new double[source.Channels], new double[source.Channels]);
        const long Side = 1024;
        for (long top = 0; top < source.Height; top += Side)
        {
            for (long left = 0; left < source.Width; left += Side)
            {
                using var scope = TorchSharp.torch.NewDisposeScope();
                var window = source.Read(top, left, Math.Min(Side, source.Height - top), Math.Min(Side, source.Width - left))
                    .to(TorchSharp.torch.ScalarType.Float64) / scale;
                for (var channel = 0; channel < source.Channels; channel++)
                {
                    sums[channel] += window[0, channel].sum().item<double>();
                    squares[channel] += window[0, channel].square().sum().item<double>();
                }
            }
        }

        var count = (double)source.Height * source.Width;
        var means = sums.Select(sum => sum / count).ToArray();
        var deviations = squares.Select((sum, channel) => Math.Sqrt(Math.Max((sum / count) - (means[channel] * means[channel]), 1e-12)));
        return new Normalization([.. means.Select(mean => (float)mean)], [.. deviations.Select(deviation => (float)deviation)], scale);
    }
}
