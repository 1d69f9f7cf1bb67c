using System.Globalization;
using StreamingCnn.Cli.Input;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Augmentation;
using StreamingCnn.Training.Data;

namespace StreamingCnn.Cli.Commands;

/// <summary>How the pixels of a training are scaled, and what is to be said of it.</summary>
/// <param name="Scaling">What was chosen; never <see cref="PixelScaling.Auto"/>.</param>
/// <param name="Normalization">What becomes of values.</param>
/// <param name="Said">Sentences for a person.</param>
internal sealed record ScalingChoice(PixelScaling Scaling, Normalization Normalization, IReadOnlyList<string> Said)
{
    // Values that fill less of the range are warned of: 12 bits in samples of 16 fill a sixteenth.
    private const double SmallShare = 0.15;

    // So many images tell enough for a warning.
    private const int SampledImages = 16;

    /// <summary>Chooses. Images of bytes are scaled by the range of bytes, all others by what is measured on the training images.</summary>
    /// <param name="wanted">What was asked for.</param>
    /// <param name="range">The lowest and the highest value, as they are stored; null where none was given.</param>
    /// <param name="images">The images.</param>
    /// <param name="preparation">How they are read.</param>
    /// <exception cref="ArgumentException">The images cannot be scaled so.</exception>
    public static ScalingChoice Of(
        PixelScaling wanted, (double Low, double High)? range, LabelledImages images, ImagePreparation preparation)
    {
        var types = images.SampleTypes;
        var names = string.Join(", ", types.Select(type => type.Name));
        var scaling = wanted != PixelScaling.Auto ? wanted
            : range is not null || types.All(type => type.Name == "uint8") ? PixelScaling.Symmetric : PixelScaling.Measured;
        var steps = types.Select(type => type.StoredPerWindow).Distinct().ToArray();
        if (range is not null && steps.Length > 1)
        {
            throw new ArgumentException(
                $"--range counts in values as files store them, but the images are of several types ({names}); "
                + "convert them to one, or leave it out.");
        }

        if (scaling == PixelScaling.Measured)
        {
            var measured = images.Measure(preparation);
            // With samples of several types there is no other scale than that of windows.
            var step = steps.Length == 1 ? steps[0] : 1;
            return new(scaling, measured.Normalization, [
                $"Pixels ({names}) are scaled by the mean and deviation of the training images: "
                + $"{Channels(measured.Mean, step)} and {Channels(measured.Deviation, step)}; "
                + $"a hundredth lies below {Number(measured.Low * step)} and above {Number(measured.High * step)}"]);
        }

        var normalization = scaling switch
        {
            PixelScaling.None => Normalization.None,
            PixelScaling.Symmetric => Normalization.Symmetric,
            _ when preparation.Inputs.Count > 1 && preparation.Inputs.All(input => input.Channels == Normalization.ImageNet.Mean.Count) =>
                Normalization.ImageNet.Repeated(preparation.Inputs.Count),
            _ when preparation.Channels == Normalization.ImageNet.Mean.Count => Normalization.ImageNet,
            _ => throw new ArgumentException(
                $"--normalize imagenet is for images of 3 channels, but these have {Channels(preparation)}; leave it out."),
        };
        var (low, high) = range is { } given ? (given.Low / steps[0], given.High / steps[0]) : (0.0, 255.0);
        if (range is not null)
            normalization = normalization.OnRange(low, high);
        var found = images.Measure(preparation, SampledImages);
        return new(
            scaling, normalization, Warning(scaling, low, high, found, steps.Length == 1 ? steps[0] : 1) is { } warning ? [warning] : []);
    }

    /// <summary>Changes of training images as they fit the scale of their values.</summary>
    /// <param name="augmentation">The changes that are wanted, if any.</param>
    /// <param name="types">Types of samples.</param>
    /// <exception cref="ArgumentException">A change is of colours on the scale 0 to 255 alone.</exception>
    public AugmentationOptions? Fit(AugmentationOptions? augmentation, IReadOnlyList<SampleType> types)
    {
        var isOfBytes = Normalization.Scale == Normalization.Symmetric.Scale || types.All(type => type.Name == "uint8");
        if (augmentation is null || isOfBytes)
            return augmentation;
        if (augmentation is { Brightness: > 0 } or { Stain: > 0 })
        {
            var names = string.Join(", ", types.Select(type => type.Name));
            throw new ArgumentException(
                $"--augment colour and stain change colours on the scale 0 to 255, but these images ({names}) have values of another; "
                + "leave them out, or convert the images to 8 bits.");
        }

        // White would be far outside; what comes from nowhere is as bright as the images are.
        return augmentation with { Fill = Normalization.Mean.Average() * Normalization.Scale };
    }

    private static string? Warning(PixelScaling scaling, double low, double high, PixelStatistics found, double step)
    {
        var (from, to) = (found.Low * step, found.High * step);
        if (from == to)
        {
            // No range follows from that: the few pixels that differ may be what the images are about, as digits on black.
            return $"Warning: all but a few of the pixels have the value {Number(from)}; where that should not be, look at the images with scnn info";
        }

        var values = $"the middle 98 % of the pixels' values lie between {Number(from)} and {Number(to)}";
        if (scaling == PixelScaling.None)
        {
            return to - from is >= 0.2 and <= 20 && Math.Abs((to + from) / 2) <= 5 * (to - from)
                ? null
                : $"Warning: {values}, and --normalize none gives them to the network as they are, which learns best from about -1 to 1; "
                    + $"give --normalize measured or --range {Number(from)},{Number(to)}";
        }

        var name = scaling == PixelScaling.Symmetric ? "symmetric" : "imagenet";
        var width = high - low;
        var assumed = $"--normalize {name} takes {Number(low * step)} to {Number(high * step)} for their range";
        var cure = $"give --normalize measured, or their range by hand, such as --range {Number(from)},{Number(to)}";
        if (found.High - found.Low < SmallShare * width)
        {
            return $"Warning: {values}, but {assumed}, of which that is {(found.High - found.Low) / width:0.0%}, "
                + $"so that the network sees little contrast; {cure}";
        }

        return found.High > high + width || found.Low < low - width
            ? $"Warning: {values}, but {assumed}, so that the network sees values far beyond -1 to 1; {cure}"
            : null;
    }

    private static string Channels(ImagePreparation preparation) => preparation.Inputs.Count > 1
        ? string.Join(" and ", preparation.Inputs.Select(input => input.Channels))
        : preparation.Channels.ToString(CultureInfo.InvariantCulture);

    private static string Channels(IReadOnlyList<double> values, double step) =>
        string.Join(", ", values.Take(4).Select(value => Number(value * step))) + (values.Count > 4 ? ", ..." : "");

    private static string Number(double value)
    {
        var text = value.ToString("G4", CultureInfo.InvariantCulture);
        if (!text.Contains('E'))
            return text;
        var isSmall = value.ToString("0.####", CultureInfo.InvariantCulture) is "0" or "-0";
        return isSmall ? text : value.ToString("0", CultureInfo.InvariantCulture);
    }
}
