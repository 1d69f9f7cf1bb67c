using StreamingCnn.Imaging;
using StreamingCnn.Imaging.DataSets;

namespace StreamingCnn.Training.Data;

/// <summary>An image of a data set and its size in pixels as the network sees it.</summary>
/// <param name="Item">The image.</param>
/// <param name="Height">Its height.</param>
/// <param name="Width">Its width.</param>
public sealed record SizedImage(ImageItem Item, long Height, long Width);

/// <summary>Sizes of the images of a data set, from their headers alone.</summary>
internal static class ImageSizes
{
    // What the same scanner writes into a file and into a table differs in the last digits.
    private const double Tolerance = 0.05;

    /// <summary>Reads the sizes, several files at a time.</summary>
    /// <param name="items">The images.</param>
    /// <param name="preparation">How they become what the network sees.</param>
    /// <param name="problems">
    /// Gets the images that cannot be seen so: without a resolution, or with another one than their table says.
    /// </param>
    public static IReadOnlyList<SizedImage> Read(IReadOnlyList<ImageItem> items, ImagePreparation preparation, DataProblems problems)
    {
        var found = items.AsParallel().AsOrdered().Select(item => Read(item, preparation)).ToArray();
        foreach (var (item, (_, problem)) in items.Zip(found))
        {
            if (problem is not null)
                problems.Add(problem, item.Line, item.Path, "image");
        }

        return [.. found.Select(one => one.Image).OfType<SizedImage>()];
    }

    /// <summary>How the images would be read, from their headers alone.</summary>
    /// <param name="items">The images.</param>
    /// <param name="read">Reads the headers of an image and of those that are seen side by side with it.</param>
    /// <param name="problems">Gets the images that cannot be read so.</param>
    public static IReadOnlyList<(ImageItem Item, IReadOnlyList<ImageReading> Readings)> Headers(
        IReadOnlyList<ImageItem> items, Func<ImageItem, IReadOnlyList<ImageReading>> read, DataProblems problems)
    {
        var found = items.AsParallel().AsOrdered().Select(Header).ToArray();
        foreach (var (item, _, problem) in found.Where(one => one.Problem is not null))
            problems.Add(problem!.Problem.TrimEnd('.'), item.Line, problem.Path, "image");
        return [.. found.Where(one => one.Problem is null).Select(one => (one.Item, one.Readings!))];

        (ImageItem Item, IReadOnlyList<ImageReading>? Readings, ImageFormatException? Problem) Header(ImageItem item)
        {
            try
            {
                return (item, read(item), null);
            }
            catch (ImageFormatException error)
            {
                return (item, null, error);
            }
        }
    }

    private static (SizedImage? Image, string? Problem) Read(ImageItem item, ImagePreparation preparation)
    {
        try
        {
            var info = ImageInfo.Read(item.Path, preparation.Options);
            if (preparation.MicrometresPerPixel is not null && item.MicrometresPerPixel is { } listed
                && info.MicrometresPerPixel is { } own && Math.Abs((listed / own) - 1) > Tolerance)
            {
                return (null, $"the file states {own:0.####} micrometres per pixel, but its table says {listed:0.####}; "
                    + "correct the table, or leave the field empty");
            }

            var (height, width) = ImageSource.Size(info, preparation.For(item.MicrometresPerPixel).Options);
            return (new(item, height, width), null);
        }
        catch (ImageFormatException error)
        {
            return (null, error.Problem.TrimEnd('.'));
        }
    }
}
