using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Training.Saliency;

namespace StreamingCnn.Training.Maps;

/// <summary>
/// Makes files of a map of numbers while it is computed, rectangle by rectangle: the numbers, and a picture. The map is never held whole.
/// </summary>
public static class NumberFiles
{
    /// <summary>Runs a network, and writes what is asked for.</summary>
    /// <param name="run">Hands the numbers out, such as <c>sink => streaming.Run(image, sink)</c>.</param>
    /// <param name="stem">Path of the files without their endings.</param>
    /// <param name="size">Height and width of the map.</param>
    /// <param name="numbers">Names of the numbers, in the order of the map's channels.</param>
    /// <param name="place">Where the map lies in the image file.</param>
    /// <param name="photograph">Opens the image as people see it, small; asked only where there is to be a picture.</param>
    /// <param name="options">Which files.</param>
    /// <param name="missing">Opens where the image has no data, or gives null for nowhere; null for nowhere.</param>
    /// <returns>What there is of each number, and the files that were written.</returns>
    /// <exception cref="InvalidDataException">A number is not finite.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static (IReadOnlyList<NumberSummary> Numbers, IReadOnlyList<string> Files) Write(
        Action<IMapSink> run,
        string stem,
        (long Height, long Width) size,
        IReadOnlyList<string> numbers,
        MapPlace place,
        Func<IImageSource> photograph,
        NumberFilesOptions options,
        Func<NoDataMask?>? missing = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(stem);
        ArgumentNullException.ThrowIfNull(numbers);
        ArgumentNullException.ThrowIfNull(place);
        ArgumentNullException.ThrowIfNull(photograph);
        ArgumentNullException.ThrowIfNull(options);
        var files = new List<string>();
        // Each reads where there are no data by itself, as far as it has come.
        using var ofFile = missing?.Invoke();
        using var ofGrid = missing?.Invoke();
        using var map = options.Map
            ? new NumberFile(
                File("values.tif"),
                place.Image(size.Height, size.Width) with { Description = string.Join(", ", numbers), ChannelNames = numbers },
                ofFile)
            : null;
        using var grid = new NumberGrid(options.OverlaySide, ofGrid);
        run(map is null ? grid : new JoinedSink([grid, map]));
        map?.Complete();
        if (options.Overlay)
        {
            using var picture = photograph();
            NumberOverlay.Write(
                File("overlay.png"), grid, picture, numbers[0], Path.GetFileName(stem), (picture as SmallPicture)?.Remark ?? "");
        }

        return (grid.Summaries, files);

        string File(string ending)
        {
            files.Add($"{stem}.{ending}");
            return files[^1];
        }
    }
}
